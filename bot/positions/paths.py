"""Paths through YAML: keys joined by dots, `[0]` for an item, `[name=app]` for the item whose `name` is `app`."""

from re import compile as pattern

from bot.positions.slots import fault
from config.yaml_text import Mapping, Node, Sequence, child_of, resolved, scalar_of

STEP = pattern(r"([^.\[\]]+)|\[([^\[\]]+)\]")


def follow(root: Node, path: str) -> Node | None:
    """The node at the end of the path, an alias at the end not followed; None where the path ends early."""
    node: Node | None = root
    for key, index in STEP.findall(path):
        here = resolved(node) if node is not None else None
        node = _item(here, index) if index else _value(here, key)
    return node


def parent(path: str) -> tuple[str, str]:
    """The path without its last key, and that key; an empty key where the path ends with an index."""
    head, dot, last = path.rpartition(".")
    return (head, last) if dot and "[" not in last else (path, "")


def _value(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Mapping) else None


def _item(node: Node | None, index: str) -> Node | None:
    if not isinstance(node, Sequence):
        return None
    name, equals, value = index.partition("=")
    if equals:
        return next((item for item in node.items if scalar_of(item, name) == value), None)
    return node.items[int(index)] if index.isdecimal() and int(index) < len(node.items) else None


def object_of(document: Node) -> str:
    """`Kind/name` of a Kubernetes object; `/` for any other document."""
    name = scalar_of(child_of(document, "metadata"), "name")
    return f"{scalar_of(document, 'kind') or ''}/{name or ''}"


def one_document(file: str, documents: tuple[Node, ...], path: str, wanted: str) -> Node:
    """The one document that has `path` (and is the object `wanted`, when given); the fault otherwise."""
    fits = [document for document in documents if not wanted or object_of(document) == wanted]
    holding = [document for document in fits if follow(document, path) is not None]
    if len(holding) == 1:
        return holding[0]
    if holding:
        names = ", ".join(object_of(document) for document in holding)
        raise fault(
            file, holding[1], what=f"{path} stands in several documents", why=f"{names} all have it",
            do="Write object: Kind/name in the position.",
        )  # fmt: skip
    raise fault(
        file, fits[0] if fits else None, what=f"{path} is not there",
        why=f"{'the document' if fits else wanted or 'a document'} does not have it",
        do="Correct the position in .sluice/policy.yaml, or write a first value there.",
    )  # fmt: skip
