"""A position is found as slots: single scalars that each carry one part of an image."""

from dataclasses import dataclass
from typing import Literal

from config.diagnostics import ConfigurationFault, Diagnostic
from config.yaml_text import Alias, Node, Scalar

Part = Literal["tag", "digest", "name", "image", "registry", "repository", "url"]
"""image: the whole reference. registry and repository: the name in two fields. url: the name behind `oci://`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One scalar and the part of the image that stands in it."""

    part: Part
    scalar: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The slots of one image at one place. `name` is its name where no slot carries one; empty when unknown."""

    slots: tuple[Slot, ...]
    name: str = ""
    names_itself: bool = False
    """Whether `name` is what runs (a kustomize entry without newName), not merely unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image as it stands in a text; parts that are not written there are empty. `line` counts from 1."""

    name: str
    tag: str
    digest: str
    line: int


def fault(file: str, node: Node | None, *, what: str, why: str, do: str, code: str = "position") -> ConfigurationFault:
    """The PermanentError for a position that cannot be read or edited, at its line."""
    line, column = (node.line, node.column) if node is not None else (0, 0)
    found = Diagnostic(file=file, line=line, column=column, code=code, what=what, why=why, do=do)
    return ConfigurationFault([found])


def editable(file: str, node: Node | None) -> Scalar:
    """The node as a scalar that can be replaced by itself; the fault otherwise."""
    if isinstance(node, Alias):
        raise fault(
            file, node, what="an alias stands at this position",
            why="changing what it points at would change other places too",
            do="Write the value here, or point the position at the anchor.",
        )  # fmt: skip
    if not isinstance(node, Scalar):
        raise fault(
            file, node, what="no single value stands at this position", why="an image part is one text",
            do="Correct the position in .sluice/policy.yaml.",
        )  # fmt: skip
    if node.style in ("|", ">") or node.start == node.end:
        kind = "a block text" if node.style else "nothing"
        raise fault(
            file, node, what=f"{kind} stands at this position", why="only a value on one line can be replaced safely",
            do="Write a first value there, on the same line as its key.",
        )  # fmt: skip
    return node
