"""The project's pages as readers meet them: their fences, inline code, links and headings, each with its place."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).resolve().parents[1]
PATTERNS = ("*.md", "docs/**/*.md", "flux/**/*.md", "services/*/*.md", "tests/*.md", "tests/*/*.md")
SHELLS = frozenset({"sh", "bash", "shell", "console"})
JOINED = re.compile(r"\\\n\s*")
SEPARATORS = frozenset({"|", "||", "&&", ";", "&", "(", ")", "{", "}", "do", "then", "else"})
PLACEHOLDER = re.compile(r"^[A-Z][A-Z0-9_]*$|^<.*>$|…")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A block of code. line: of its first line, from 1."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """For messages."""
        return f"{name_of(self.page)}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of inline code, or the target of a link. line: of its paragraph."""

    page: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        """For messages."""
        return f"{name_of(self.page)}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command of a page, as words."""

    place: str
    page: Path
    words: tuple[str, ...]


def name_of(page: Path) -> str:
    """A page's path in the repository."""
    return str(page.relative_to(REPOSITORY)) if page.is_relative_to(REPOSITORY) else page.name


def pages() -> list[Path]:
    """Every page of the project."""
    return sorted({file for pattern in PATTERNS for file in REPOSITORY.glob(pattern)})


@cache
def _tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8")))


def fences(page: Path, *languages: str) -> list[Fence]:
    """The page's blocks of code; all, or those in one of the languages."""
    found = [
        Fence(page=page, line=(token.map or [0])[0] + 2, language=token.info.strip(), text=token.content)
        for token in _tokens(page)
        if token.type == "fence"
    ]
    return [fence for fence in found if not languages or fence.language in languages]


def _inline(page: Path) -> Iterator[tuple[int, Token]]:
    # The cells of a table have no place of their own: they take the row's.
    line = 0
    for token in _tokens(page):
        line = token.map[0] + 1 if token.map else line
        for child in token.children or ():
            yield line, child


def code_spans(page: Path) -> list[Span]:
    """The page's inline code."""
    return [Span(page=page, line=line, text=one.content) for line, one in _inline(page) if one.type == "code_inline"]


def links(page: Path) -> list[Span]:
    """Where the page's links lead."""
    return [
        Span(page=page, line=line, text=str(one.attrs["href"]))
        for line, one in _inline(page)
        if one.type == "link_open"
    ]


def anchors(page: Path) -> set[str]:
    """The names by which GitLab and GitHub reach the page's headings."""
    tokens = _tokens(page)
    headings = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open"]
    words = ("".join(child.content for child in heading.children or ()) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in words}


def commands(page: Path, *programs: str) -> list[Command]:
    """The simple commands of a page's shell blocks and inline code that call one of the programs."""
    found = [*_of_fences(page), *_of_spans(page)]
    return [one for one in found if one.words[0].rpartition("/")[2] in programs]


def _of_fences(page: Path) -> Iterator[Command]:
    for fence in fences(page, *SHELLS):
        for number, line in enumerate(JOINED.sub(" ", fence.text).splitlines()):
            for words in simple_commands(line.removeprefix("$ ")):
                yield Command(place=f"{fence.place} (+{number})", page=page, words=words)


def _of_spans(page: Path) -> Iterator[Command]:
    for span in code_spans(page):
        for words in simple_commands(span.text):
            yield Command(place=span.place, page=page, words=words)


def simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a line without variables set before them, comments and redirections."""
    words: list[str] = []
    for word in [*_words(line), ";"]:
        if word not in SEPARATORS:
            words.append(word)
            continue
        while words and re.match(r"^\w+=", words[0]):
            words.pop(0)
        if words:
            yield tuple(words)
        words = []


def _words(line: str) -> list[str]:
    text = re.sub(r"\$\(|\)|[<>]\(|`", " ; ", line) if "$(" in line or "<(" in line else line
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&")
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:
        return text.split()


def is_placeholder(word: str) -> bool:
    """Whether the reader is to put something else there."""
    return PLACEHOLDER.search(word) is not None
