"""YAML text is read into nodes that know exactly where they stand, so that errors and edits can point at them.

ruamel.yaml's event stream is used only to find positions; nothing is ever written back by a YAML library.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from re import compile as pattern
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from config.diagnostics import ConfigurationFault, Diagnostic

MAX_DEPTH = 100
"""Levels of nesting that are read. No manifest comes near it; a hostile one would exhaust the stack."""

PROPERTIES = pattern(r"(?:[&!]\S*(?:\s+|\Z))*")
"""Anchors and tags stand before a scalar and belong to the event, not to the text that may be edited."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """Where a piece of YAML stands: offsets into the text (characters), line and column from 1."""

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scalar(Node):
    """A single value as text. `style` is the quote or block character, empty for a plain scalar."""

    text: str
    style: str
    tagged: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sequence(Node):
    """A list of nodes."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mapping(Node):
    """Keys and values in the order of the text."""

    pairs: tuple[tuple[Scalar, Node], ...]

    def get(self, key: str) -> Node | None:
        """The value under `key`, aliases not followed."""
        return next((value for name, value in self.pairs if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """Where the key itself stands."""
        return next((name for name, _ in self.pairs if name.text == key), None)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Alias(Node):
    """`*name`: stands here, means `target`, which stands elsewhere."""

    target: Node


def resolved(node: Node) -> Node:
    """The node that is meant: an alias is followed."""
    return node.target if isinstance(node, Alias) else node


def scalar_of(node: Node | None, key: str) -> str | None:
    """The text under `key` when `node` is a mapping and the value a scalar; else None."""
    found = child_of(node, key)
    return found.text if isinstance(found, Scalar) else None


def child_of(node: Node | None, *keys: str) -> Node | None:
    """The node at the end of a path of mapping keys, aliases followed; None where the path ends early."""
    for key in keys:
        node = resolved(node) if node is not None else None
        node = node.get(key) if isinstance(node, Mapping) else None
    return resolved(node) if node is not None else None


def walk(node: Node) -> Iterator[Node]:
    """The node and everything written inside it; aliases are not followed, so each place comes once."""
    yield node
    children = node.items if isinstance(node, Sequence) else ()
    if isinstance(node, Mapping):
        children = tuple(part for pair in node.pairs for part in pair)
    for child in children:
        yield from walk(child)


def documents(text: str, *, file: str) -> tuple[Node, ...]:
    """Every document of a YAML text, empty ones left out; ConfigurationFault with file:line when it cannot be read."""
    reader = _Reader(file)
    try:
        return tuple(reader.documents(_events(text), text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _fault(file, mark.line + 1, mark.column + 1, str(error.problem or error.context)) from error
    except YAMLError as error:
        raise _fault(file, 1, 1, str(error).splitlines()[0]) from error
    except (ValueError, IndexError, AttributeError) as error:
        # ruamel.yaml 0.19 leaks these on some malformed escapes and directives.
        raise _fault(file, 1, 1, f"the YAML reader gave up ({error})") from error


def _events(text: str) -> Iterator[Any]:
    return cast("Iterator[Any]", YAML(typ="safe", pure=True).parse(text))


def _fault(file: str, line: int, column: int, why: str) -> ConfigurationFault:
    return ConfigurationFault(
        [
            Diagnostic(
                file=file,
                line=line,
                column=column,
                code="yaml",
                what="this is not readable YAML",
                why=why,
                do="Mend the syntax at this place.",
            )
        ]
    )


@dataclass
class _Reader:
    file: str
    anchors: dict[str, Node] = field(default_factory=dict)

    def documents(self, events: Iterator[Any], text: str) -> Iterator[Node]:
        for event in events:
            match type(event).__name__:
                case "DocumentStartEvent":
                    self.anchors = {}
                case "StreamStartEvent" | "DocumentEndEvent" | "StreamEndEvent":
                    continue
                case _:
                    node = self.node(event, events, text, 0)
                    if not (isinstance(node, Scalar) and node.text == "" and not node.style):
                        yield node

    def node(self, event: Any, events: Iterator[Any], text: str, depth: int) -> Node:
        mark = event.start_mark
        if depth > MAX_DEPTH:
            raise _fault(self.file, mark.line + 1, mark.column + 1, f"it is nested deeper than {MAX_DEPTH} levels")
        place = {"start": mark.index, "line": mark.line + 1, "column": mark.column + 1}
        node: Node
        match type(event).__name__:
            case "AliasEvent":
                return Alias(**place, end=event.end_mark.index, target=self.target(event))
            case "ScalarEvent":
                node = _scalar(event, text)
            case "SequenceStartEvent":
                items, end = self.children(events, text, depth)
                node = Sequence(**place, end=end, items=items)
            case _:
                parts, end = self.children(events, text, depth)
                node = Mapping(**place, end=end, pairs=self.pairs(parts))
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def children(self, events: Iterator[Any], text: str, depth: int) -> tuple[tuple[Node, ...], int]:
        nodes: list[Node] = []
        for event in events:
            if type(event).__name__ in ("SequenceEndEvent", "MappingEndEvent"):
                return tuple(nodes), event.end_mark.index
            nodes.append(self.node(event, events, text, depth + 1))
        raise _fault(self.file, 1, 1, "the text ends inside a list or mapping")

    def target(self, event: Any) -> Node:
        if event.anchor in self.anchors:
            return self.anchors[event.anchor]
        mark = event.start_mark
        raise _fault(self.file, mark.line + 1, mark.column + 1, f"the alias *{event.anchor} has no anchor before it")

    def pairs(self, parts: tuple[Node, ...]) -> tuple[tuple[Scalar, Node], ...]:
        seen: set[str] = set()
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            name = resolved(key)
            if not isinstance(name, Scalar):
                raise _fault(self.file, key.line, key.column, "a key is a list or a mapping")
            if name.text in seen:
                raise _fault(self.file, key.line, key.column, f"the key {name.text!r} stands here twice")
            seen.add(name.text)
            pairs.append((name, value))
        return tuple(pairs)


def _scalar(event: Any, text: str) -> Scalar:
    start, end = event.start_mark.index, event.end_mark.index
    tagged = event.tag is not None
    if event.anchor or tagged:
        properties = PROPERTIES.match(text, start, end)
        start = properties.end() if properties else start
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    return Scalar(
        start=start, end=end, line=line, column=column, text=event.value, style=event.style or "", tagged=tagged
    )
