"""The narrative: coloured and with progress on a terminal, plain lines everywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console

Kind = Literal["heading", "person", "bot", "proof", "failure"]
MARKS: dict[Kind, tuple[str, str]] = {
    "heading": ("", "bold cyan"),
    "person": ("  ● ", "yellow"),
    "bot": ("  ▸ ", "white"),
    "proof": ("  ✓ ", "green"),
    "failure": ("  ✗ ", "bold red"),
}


class Telling:
    """Where the story is told. rich leaves colours and motion out by itself when nobody watches (NO_COLOR too)."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, kind: Kind, text: str) -> None:
        """One line."""
        mark, style = MARKS[kind]
        if kind == "heading":
            self._console.print()
        self._console.print(f"{mark}{text}", style=style, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something is waited for; on no terminal nothing is shown."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(what, spinner="dots"):
            yield
