"""The lines of a Markdown message that begin with our name: outside quotes, code, and HTML comments.

A command stands at the very start of its line. The message is read by a Markdown parser, because who quotes or shows a
command does not give it (bors and Atlantis learned it the hard way; failures 2a). GitLab's own `>>>` quotes, which
CommonMark does not know, count as quotes (GitLab Flavored Markdown 18, "Multiline blockquote").
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST_MESSAGE = 1_000_000
"""Characters; GitLab takes no longer note (application limit, `note` 1,000,000)."""
MOST_LINES = 20
"""Commands read in one message; nobody types more, and each costs an answer."""
FENCE = re.compile(r" {0,3}>{3,}[ \t]*")
"""Longer ones hold shorter ones; one that is never closed goes on to the end (gitlab-glfm-markdown, comrak)."""
BREAKS = frozenset({"softbreak", "hardbreak"})

_MARKDOWN = MarkdownIt("commonmark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line meant for us. said: what follows our name. look_alike: the name only looks like ours."""

    text: str
    said: str
    look_alike: bool = False


def lines_for_us(message: str, names: Sequence[str]) -> tuple[Line, ...]:
    """The lines that begin with one of our names (`/sluice`, `@bot`), in order; at most MOST_LINES of them."""
    rows = message[:LONGEST_MESSAGE].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = {number: line for number, row in enumerate(rows) if (line := _addressed(row, names))}
    if not found:
        return ()
    quoted = _between_fences(rows)
    spoken = _outside(rows, [number for number in found if number not in quoted])
    return tuple(found[number] for number in spoken[:MOST_LINES])


def plain_line(message: str) -> Line:
    """A chat's whole message: there the name is the slash command itself, and there is no Markdown."""
    said = " ".join(message.split())
    return Line(text=said, said=said)


def _addressed(row: str, names: Sequence[str]) -> Line | None:
    first, _, said = row.partition(" ") if " " in row else (row.rstrip("\t"), "", "")
    if first.lower() in names:
        return Line(text=row.strip(), said=said.strip())
    if not row.isascii() and any(looks_like(first, name) for name in names):
        return Line(text=row.strip(), said=said.strip(), look_alike=True)
    return None


def looks_like(word: str, name: str) -> bool:
    """Whether a word differs from a name only by characters outside of ASCII: homoglyphs, or ones nobody sees."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", word) if unicodedata.category(c) not in ("Cf", "Mn"))
    if len(seen) != len(name):
        return False
    pairs = zip(seen.lower(), name, strict=True)
    return all(mine == theirs or not mine.isascii() for mine, theirs in pairs)


def _between_fences(rows: Sequence[str]) -> frozenset[int]:
    """The rows in GitLab's quotes, whether a fence inside a code block counts for one or not: in doubt it is quoted."""
    fences = {number: len(row.strip()) for number, row in enumerate(rows) if FENCE.fullmatch(row)}
    if not fences:
        return frozenset()
    shown = _shown("\n".join(rows))
    outside = {number: length for number, length in fences.items() if number not in shown}
    return _quoted(fences, len(rows)) | _quoted(outside, len(rows))


def _quoted(fences: Mapping[int, int], end: int) -> frozenset[int]:
    """The rows from each outermost fence to the one that closes it, which is as long or longer; else to the end."""
    found: set[int] = set()
    open_: list[int] = []
    since = 0
    for number, length in fences.items():
        if not open_:
            since = number
        if open_ and length >= open_[-1]:
            open_.pop()
        else:
            open_.append(length)
        if not open_:
            found.update(range(since, number + 1))
    return frozenset(found | set(range(since, end) if open_ else ()))


def _shown(message: str) -> frozenset[int]:
    """The rows of code blocks and HTML."""
    blocks = (token for token in _MARKDOWN.parse(message) if token.type in ("fence", "code_block", "html_block"))
    return frozenset(row for block in blocks if block.map for row in range(*block.map))


def _outside(rows: Sequence[str], numbers: Sequence[int]) -> list[int]:
    """Those of the rows that a reader sees as a line of plain text: each is marked, and looked for after parsing."""
    mark = _unused("\n".join(rows))
    marked = list(rows)
    for number in numbers:
        marked[number] = f"{mark}{number}x"
    pattern = re.compile(rf"{mark}(\d+)x")
    return [int(found[1]) for text in _starts(_MARKDOWN.parse("\n".join(marked))) if (found := pattern.match(text))]


def _starts(tokens: Sequence[Token]) -> Iterator[str]:
    """The text at the start of each line of each paragraph that is in no quote."""
    quotes = 0
    for token in tokens:
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "inline" and not quotes:
            yield from _line_starts(token.children or [])


def _line_starts(children: Sequence[Token]) -> Iterator[str]:
    at_start = True
    for child in children:
        if at_start and child.type == "text" and child.level == 0:
            yield child.content
        at_start = child.type in BREAKS


def _unused(text: str) -> str:
    """A word of letters that does not occur in the text."""
    mark = "sluiceline"
    while mark in text:
        mark += "q"
    return mark
