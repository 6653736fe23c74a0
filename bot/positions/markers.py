"""Setter markers are the comments that say who writes a line.

`# {"$imagepolicy": "namespace:name[:tag|:name|:digest]"}` is Flux's (image-automation-controller, update strategy
Setters); the same with `$sluice` is ours, and no controller acts on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from re import compile as pattern

from config.yaml_text import Mapping, Node, Scalar, Sequence, walk

MARKER = pattern(r"""(?<=\s)#\s*\{\s*"\$(?P<owner>imagepolicy|sluice)"\s*:\s*"(?P<policy>[^"]*)"\s*\}""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A value whose line carries a marker. `active` means that Flux's image automation writes it."""

    policy: str
    active: bool
    scalar: Scalar
    parent: Node
    column: int


def marked_values(text: str, documents: tuple[Node, ...]) -> Iterator[Marked]:
    """Every marked value of a text, in order. Markers inside quoted or block text are no comments."""
    values = [pair for document in documents for pair in _values(document)]
    scalars = [node for document in documents for node in walk(document) if isinstance(node, Scalar)]
    for found in MARKER.finditer(text):
        at = found.start()
        if any(scalar.start <= at < scalar.end for scalar in scalars):
            continue
        line = text.rfind("\n", 0, at) + 1
        before = [(scalar, parent) for scalar, parent in values if line <= scalar.start and scalar.end <= at]
        if before:
            scalar, parent = before[-1]
            yield Marked(
                policy=found["policy"],
                active=found["owner"] == "imagepolicy",
                scalar=scalar,
                parent=parent,
                column=at - line + 1,
            )


def _values(document: Node) -> Iterator[tuple[Scalar, Node]]:
    for node in walk(document):
        children: tuple[Node, ...] = ()
        if isinstance(node, Mapping):
            children = tuple(value for _, value in node.pairs)
        elif isinstance(node, Sequence):
            children = node.items
        yield from ((child, node) for child in children if isinstance(child, Scalar) and child.start < child.end)
