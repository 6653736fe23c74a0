"""Templates are read when the first sentence is needed, and whatever they print is harmless unless marked otherwise."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from bot.messages.harmless import Harmless, code, hidden, link, markdown, plain

if TYPE_CHECKING:
    import jinja2


def render(name: str, **values: object) -> str:
    """The text of one template: `*.md.j2` escapes values for Markdown, `*.txt.j2` for plain text."""
    return _environment(markdown if name.endswith(".md.j2") else plain).get_template(name).render(values).strip("\n")


@cache
def _environment(escape: Callable[[str], Harmless]) -> "jinja2.Environment":
    # Importing jinja2 takes longer than many a command needs in all: only who writes a message pays for it.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "texts"),
        autoescape=False,  # noqa: S701  that escapes for HTML; `finalize` escapes for what is written here
        finalize=lambda value: value if isinstance(value, Harmless) else escape(str(value)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(code=code, hidden=hidden, link=link, wrapped=_wrapped)
    return environment


def _wrapped(text: str) -> Harmless:
    """Plain text in lines of at most 72 characters, as Git shows commit messages best."""
    return Harmless(fill(plain(text), width=72, break_long_words=False, break_on_hyphens=False))
