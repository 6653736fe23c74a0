"""Setter markers are the comments that say who writes a line.

`# {"$imagepolicy": "namespace:name[:tag|:name|:digest]"}` is Flux's (image-automation-controller, update strategy
Setters). `$sluice` and `$sluice-pinned` are ours: Flux's setters read a comment's JSON for the one key `$imagepolicy`
(kyaml fieldmeta, the short-hand reference) and pass over every other, so a line marked `$sluice-pinned` keeps the name
of its policy and is written by nobody until the word is changed back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from re import compile as pattern
from typing import Literal, get_args

from config.yaml_text import Mapping, Node, Scalar, Sequence, walk

Owner = Literal["imagepolicy", "sluice", "sluice-pinned"]
"""imagepolicy: Flux writes the line. sluice: merge requests do. sluice-pinned: Flux did; a rollback keeps it out."""

MARKER = pattern(rf"""(?<=\s)#\s*\{{\s*"\$(?P<owner>{"|".join(get_args(Owner))})"\s*:\s*"(?P<policy>[^"]*)"\s*\}}""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A value whose line carries a marker. The owner's word stands in the text from `start` to `end`, without `$`."""

    policy: str
    owner: str
    scalar: Scalar
    parent: Node
    column: int
    start: int
    end: int

    @property
    def active(self) -> bool:
        """Whether Flux's image automation writes the value."""
        return self.owner == "imagepolicy"

    @property
    def pinned(self) -> bool:
        """Whether it did, and is kept from it."""
        return self.owner == "sluice-pinned"

    @property
    def image_policy(self) -> str:
        """`namespace:name` of the ImagePolicy that Flux's markers name, without the part; empty for none."""
        parts = self.policy.split(":")
        return ":".join(parts[:2]) if len(parts) > 1 and self.owner != "sluice" else ""


def marked_values(text: str, documents: tuple[Node, ...]) -> Iterator[Marked]:
    """Every marked value of a text, in order. Markers inside quoted or block text are no comments."""
    values = [pair for document in documents for pair in _values(document)]
    scalars = [node for document in documents for node in walk(document) if isinstance(node, Scalar)]
    for found in MARKER.finditer(text):
        at = found.start()
        if any(scalar.start <= at < scalar.end for scalar in scalars):
            continue
        line = text.rfind("\n", 0, at) + 1
        if marked := _meant(text, line, at, values):
            scalar, parent = marked
            start, end = found.span("owner")
            yield Marked(
                policy=found["policy"],
                owner=found["owner"],
                scalar=scalar,
                parent=parent,
                column=at - line + 1,
                start=start,
                end=end,
            )


def _meant(text: str, line: int, at: int, values: list[tuple[Scalar, Node]]) -> tuple[Scalar, Node] | None:
    """The last value before a marker on its line; above a line, the first on it (kyaml reads head comments too)."""
    before = [pair for pair in values if line <= pair[0].start and pair[0].end <= at]
    if before or text[line:at].strip():
        return before[-1] if before else None
    following = text.find("\n", at) + 1
    end = text.find("\n", following)
    below = [pair for pair in values if following <= pair[0].start < (end if end >= 0 else len(text))]
    return below[0] if following and below else None


def _values(document: Node) -> Iterator[tuple[Scalar, Node]]:
    for node in walk(document):
        children: tuple[Node, ...] = ()
        if isinstance(node, Mapping):
            children = tuple(value for _, value in node.pairs)
        elif isinstance(node, Sequence):
            children = node.items
        yield from ((child, node) for child in children if isinstance(child, Scalar) and child.start < child.end)
