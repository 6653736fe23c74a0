"""What pydantic finds wrong is said at the line where it stands, in words for the person who wrote it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config import yaml_text
from config.diagnostics import Diagnostic
from config.yaml_text import Node

Location = tuple[int | str, ...]
"""A path through a document: keys and indexes, as pydantic reports them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault by its path in the document, before its line is known. `at_key`: the key is wrong, not its value."""

    path: Location
    code: str
    what: str
    why: str
    do: str
    at_key: bool = False

    def at(self, root: Node | None, file: str) -> Diagnostic:
        """The finding as a diagnostic at its line in `root`; the nearest enclosing place when it is missing there."""
        line, column = place(root, self.path, at_key=self.at_key)
        return Diagnostic(file=file, line=line, column=column, code=self.code, what=self.what, why=self.why, do=self.do)


def place(root: Node | None, path: Iterable[int | str], *, at_key: bool = False) -> tuple[int, int]:
    """Line and column of the deepest written part of `path`; steps that are no key (a union's tag) are passed over."""
    if root is None:
        return 0, 0
    node, found = root, root
    for step in path:
        here = yaml_text.resolved(node)
        if isinstance(here, yaml_text.Sequence) and isinstance(step, int) and step < len(here.items):
            node = found = here.items[step]
        elif isinstance(here, yaml_text.Mapping) and (value := here.get(str(step))) is not None:
            key = here.key(str(step))
            node, found = value, key if at_key and key is not None else value
    return found.line, found.column


def stands(root: Node, path: Iterable[int | str]) -> bool:
    """Whether every step of `path` is written in the document."""
    node: Node | None = root
    for step in path:
        here = yaml_text.resolved(node) if node is not None else None
        if isinstance(here, yaml_text.Sequence) and isinstance(step, int) and step < len(here.items):
            node = here.items[step]
        else:
            node = here.get(str(step)) if isinstance(here, yaml_text.Mapping) else None
    return node is not None


def dotted(path: Location, root: Node | None = None) -> str:
    """The path as people write it, `environments.production.after`, without the steps that stand in no document."""
    parts, node = [], root
    for index, step in enumerate(path):
        here = yaml_text.resolved(node) if node is not None else None
        if isinstance(here, yaml_text.Mapping):
            child = here.get(str(step))
            if child is None and index < len(path) - 1:
                continue
            node = child
        elif isinstance(here, yaml_text.Sequence) and isinstance(step, int) and step < len(here.items):
            node = here.items[step]
        parts.append(str(step))
    return ".".join(parts) or "the document"


def findings(error: ValidationError, model: type[BaseModel], root: Node | None = None) -> list[Finding]:
    """Each of pydantic's errors as a finding; values are never repeated, for they may be secrets."""
    known = frozenset(_field_names(model, set()))
    return [_finding(detail, known, root) for detail in error.errors(include_url=False, include_input=False)]


def _finding(detail: ErrorDetails, known: frozenset[str], root: Node | None) -> Finding:
    path = detail["loc"]
    name, field = dotted(path, root), str(path[-1]) if path else "the document"
    match detail["type"]:
        case "missing":
            return Finding(
                path=path, code="missing", what=f"{name} is missing", why="it has no default", do=f"Write {field}."
            )
        case "extra_forbidden":
            close = get_close_matches(field, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "Take it out, or see the reference in docs/."
            return Finding(
                path=path, code="unknown", what=f"{name} is unknown", why="no such field exists", do=hint, at_key=True
            )
        case "union_tag_not_found" | "union_tag_invalid":
            kinds = detail.get("ctx", {}).get("expected_tags", "one of the documented kinds")
            return Finding(
                path=path,
                code="kind",
                what=f"{name} has no known kind",
                why="the kind says what its other fields are",
                do=f"Write kind: {kinds}."
                if "ctx" in detail and "expected_tags" in detail["ctx"]
                else "Write its kind; docs/policy.md lists them.",
            )
        case _:
            key = path[-1:] == ("[key]",)
            return Finding(
                path=path[:-1] if key else path,
                at_key=key,
                code="value",
                what=f"{name} is not valid",
                why=_reason(detail["msg"]),
                do="Write a value of the documented form.",
            )


def _reason(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _field_names(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterable[str]:
    seen.add(model)
    for name, field in model.model_fields.items():
        yield name
        for inner in _models(field.annotation):
            if inner not in seen:
                yield from _field_names(inner, seen)


def _models(annotation: object) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
