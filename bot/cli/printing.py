"""Facts for people as aligned columns, and for programs as JSON."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import typer

WIDEST = 100
"""Characters of a cell that are shown; JSON has all of it."""


def as_json(form: object) -> None:
    """One JSON object."""
    typer.echo(msgspec.json.format(msgspec.json.encode(form), indent=2).decode())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they need to be, the last one free; nothing at all without rows."""
    lines = [tuple(_cell(text) for text in row) for row in rows]
    if not lines:
        return
    widths = [max(len(row[column]) for row in [tuple(head), *lines]) for column in range(len(head))]
    typer.secho(_line(head, widths), bold=True)
    for row in lines:
        typer.echo(_line(row, widths))


def moment(at: datetime | None) -> str:
    """A moment to the second, in UTC; `never` when there is none."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else "never"


def colour(word: str) -> str:
    """A word that says how it is, in the colour of it; plain where the output is no terminal."""
    colours = {
        "green": typer.colors.GREEN,
        "act": typer.colors.GREEN,
        "wait": typer.colors.YELLOW,
        "waiting": typer.colors.YELLOW,
        "would": typer.colors.YELLOW,
        "hold": typer.colors.RED,
        "red": typer.colors.RED,
        "unknown": typer.colors.RED,
    }
    return typer.style(word, fg=colours.get(word.strip()))


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
