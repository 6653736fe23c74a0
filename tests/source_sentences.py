"""The sentences that the programs here print, as their source says them, so that a page can be held against it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LEAST = 12
"""Fewer fixed characters than these would make a sentence of anything."""
BLANK = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{[^}]*\}|%[sd]|\{\}")
"""What templates, TypeScript and Java put values into."""
LEFT_OUT = "…"

Pieces = tuple[str, ...]
"""The fixed parts of a sentence, in order; values stand between them."""


@cache
def sentences(folder: str) -> frozenset[Pieces]:
    """Every text in the sources of a folder."""
    found = {*_of_python(folder), *_of_lines(folder)}
    return frozenset(pieces for pieces in found if sum(map(len, pieces)) >= LEAST)


def is_written_in(sentence: str, *folders: str) -> bool:
    """Whether a program prints the sentence or one that holds it; `…` stands for a value, or for what is left out."""
    return any(_says(pieces, sentence) for folder in folders for pieces in sentences(folder))


def _says(pieces: Pieces, sentence: str) -> bool:
    parts = [part.strip() for part in sentence.split(LEFT_OUT) if part.strip()]
    if sum(map(len, parts)) >= LEAST and _in_order(pieces, parts):
        return True
    if not all(piece in sentence for piece in pieces):
        return False
    return re.fullmatch("(?s:.+?)".join(map(re.escape, pieces)), sentence) is not None


def _in_order(pieces: Pieces, parts: list[str]) -> bool:
    """Each part lies in one piece, and the next part in the same piece further on, or in a later one."""
    at, start = 0, 0
    for part in parts:
        while at < len(pieces) and (found := pieces[at].find(part, start)) < 0:
            at, start = at + 1, 0
        if at == len(pieces):
            return False
        start = found + len(part)
    return True


def _of_python(folder: str) -> Iterator[Pieces]:
    for file in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield (node.value,)
            elif isinstance(node, ast.JoinedStr):
                yield _around_values(node.values)


def _around_values(values: list[ast.expr]) -> Pieces:
    """The fixed parts of an f-string; empty ones at its ends, where a value stands there."""
    pieces = [""]
    for value in values:
        if isinstance(value, ast.Constant):
            pieces[-1] += str(value.value)
        else:
            pieces.append("")
    return tuple(pieces)


def _of_lines(folder: str) -> Iterator[Pieces]:
    """Templates and other languages: line by line, and what stands in quotes by itself."""
    for suffix in ("*.md", "*.txt", "*.j2", "*.java", "*.ts", "*.sh"):
        for file in (REPOSITORY / folder).rglob(suffix):
            if {"node_modules", "dist", "build", "target"}.isdisjoint(file.parts):
                for line in file.read_text("utf-8").splitlines():
                    yield tuple(BLANK.split(line.strip()))
