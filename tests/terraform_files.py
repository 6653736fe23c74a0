"""Terraform modules as their parser sees them: blocks, and what each expression refers to.

No provider can be resolved where the tests run, so this stands in for `terraform validate`: it knows the language, and
of the providers only the names in `terraform_arguments.json`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

Body = dict[str, Any]
MARKS = frozenset({"__is_block__", "__comments__", "__inline_comments__", "__start_line__", "__end_line__"})
REFERENCE = re.compile(r"(?<![\w.\"-])([a-z_][\w-]*)((?:\.[a-z_][\w-]*|\[[^\[\]]*\])+)")
INDEX = re.compile(r"\[[^\[\]]*\]")
ITERATORS = re.compile(r"\bfor\s+(\w+)(?:\s*,\s*(\w+))?\s+in\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: `resource "gitlab_project" "config"` has the kind `resource` and two labels."""

    file: Path
    kind: str
    labels: tuple[str, ...]
    body: Body

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.file.name}: {' '.join((self.kind, *self.labels))}"


@cache
def blocks(folder: Path) -> tuple[Block, ...]:
    """Every block of a module's files. Raises what the parser raises on wrong syntax."""
    return tuple(block for file in sorted(folder.glob("*.tf")) for block in _of_file(file))


def _of_file(file: Path) -> Iterator[Block]:
    with file.open(encoding="utf-8") as stream:
        document: Body = hcl2.load(stream)
    for kind, found in document.items():
        if kind not in MARKS:
            for one in found:
                yield from _labelled(file, kind, (), one)


def _labelled(file: Path, kind: str, labels: tuple[str, ...], body: Body) -> Iterator[Block]:
    quoted = [key for key in body if key.startswith('"')]
    if not quoted:
        yield Block(file=file, kind=kind, labels=labels, body=body)
    for key in quoted:
        yield from _labelled(file, kind, (*labels, key.strip('"')), body[key])


def of_kind(folder: Path, kind: str) -> dict[tuple[str, ...], Block]:
    """The blocks of one kind, by their labels."""
    return {block.labels: block for block in blocks(folder) if block.kind == kind}


def arguments(body: Body) -> dict[str, Any]:
    """The arguments and nested blocks of a body."""
    return {key.strip('"'): value for key, value in body.items() if key not in MARKS}


def text(value: object) -> str:
    """A plain string's content."""
    return str(value).strip('"')


def expressions(value: object) -> Iterator[str]:
    """The code in a value: of strings only what is interpolated."""
    match value:
        case dict():
            for key, one in value.items():
                if key not in MARKS:
                    yield from expressions(key) if key.startswith(("${", '"')) else ()
                    yield from expressions(one)
        case list():
            for one in value:
                yield from expressions(one)
        case str():
            yield from _code(value)
        case _:
            return


def _code(value: str) -> Iterator[str]:
    """What stands outside of quotes in `${…}`, and inside of `${…}` in quotes."""
    if value.startswith("${") and value.endswith("}"):
        yield "".join(_outside_quotes(value[2:-1]))
    else:
        yield " ".join(_interpolated(value))


def _outside_quotes(code: str) -> Iterator[str]:
    at = 0
    while at < len(code):
        if code[at] != '"':
            yield code[at]
            at += 1
            continue
        end = _end_of_string(code, at + 1)
        # What is in a string is text, but for its own interpolations; the quotes keep names apart.
        yield f" {' '.join(_interpolated(code[at + 1 : end]))} " if code[at - 1 : at] != "[" else '""'
        at = end + 1


def _end_of_string(code: str, at: int) -> int:
    depth = 0
    while at < len(code) and (depth or code[at] != '"'):
        if code[at] == "\\":
            at += 1
        elif code.startswith("${", at):
            depth += 1
        elif code[at] == "}" and depth:
            depth -= 1
        at += 1
    return at


def _interpolated(string: str) -> Iterator[str]:
    at = string.find("${")
    while at >= 0:
        depth, end = 1, at + 2
        while end < len(string) and depth:
            depth += {"{": 1, "}": -1}.get(string[end], 0)
            end += 1
        yield "".join(_outside_quotes(string[at + 2 : end - 1]))
        at = string.find("${", end)


def references(value: object) -> Iterator[tuple[str, ...]]:
    """What a value refers to, as words without indices: `("var", "group")`, `("gitlab_project", "config", "id")`."""
    for code in expressions(value):
        own = {name for pair in ITERATORS.findall(code) for name in pair if name}
        indices = " ".join(INDEX.findall(code))
        for root, rest in (*REFERENCE.findall(code), *REFERENCE.findall(indices)):
            if root not in own:
                yield (root, *re.findall(r"\.([a-z_][\w-]*)", INDEX.sub("", rest)))
