"""Text from outside is made harmless before it stands among our own words: it can be read, and can do nothing.

GitLab reads a text twice: raw (quick actions, `[skip ci]`, "Closes #12") and as rendered Markdown (mentions and other
references, links). So there are two nets: a backslash where Markdown gives a character a meaning, and an invisible
space beside a character that begins a reference, because references are looked for after the backslashes are gone.
Sources: GitLab 19 docs, "GitLab Flavored Markdown" (GitLab-specific references), "Issue closing pattern", "Quick
actions", "Skip a pipeline"; CommonMark 0.31, 2.4 (backslash escapes); GFM 0.29, 6.9 (autolinks).
"""

import re
import unicodedata

GAP = "\u200b"
"""Zero width space: breaks a reference and is not seen."""

LONGEST = 500
"""Characters of one value from outside; a longer one is cut at a word."""

MEANINGFUL = re.compile(r"[\\`*_{}\[\]<>#|~$&@]")
"""What Markdown or GitLab's flavour of it gives a meaning in the middle of a line."""

REFERENCE = re.compile(
    r"(?<=@)(?!\s)"  # @name
    r"|(?<=[#!^&~$\[])(?=\S)"  # #12 !12 ^alert#1 &epic ~label $snippet [issue:12] [skip ci]
    r"|(?<=%)(?=[^\s.,;:)])"  # %12 %"milestone"; a measured 99%, is none
    r"|(?<=:)(?=//)"  # https://…
    r"|(?<![A-Za-z0-9]:)(?<=:)(?=\w|[+-])"  # :emoji:
    r"|(?<![^\s(])(?=/[A-Za-z])"  # /close
    r"|(?<=\b[Ww]{3})(?=\.)"  # www.…
    r"|(?<=(?i:sluice))(?=(?i:-effect))"  # our own trailer, by which the executor finds its commits
)
ISSUE_KEY = re.compile(r"\b([A-Z][A-Z0-9_]+-)(?=\d)")
"""Jira's keys (ABC-12), and GitLab's own (GL-12): they are closed like #12."""

COMMAND = re.compile(r'(?<!`)`sluice (?:rollback|allow)(?: [A-Za-z0-9][A-Za-z0-9._+-]*){2,3} --reason "…"`(?!`)')
"""What a rule offers to type, whole: it may stand as the code span it is, because nothing in it has a meaning."""

NAME_CHARACTERS = re.compile(r"[^A-Za-z0-9._:/@+-]")
"""Everything else is no part of an image's name, tag or digest, nor of a key (OCI distribution 1.1)."""

WEB_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?/[A-Za-z0-9._~:/?#@!$&'*+,;=%-]*")

CONTROLS = frozenset({"Cc", "Zl", "Zp", "Zs"})
INVISIBLE = frozenset({"Cf", "Cs", "Co", "Cn"})
"""Unicode categories: formats (which could turn the reading direction), surrogates, private and unassigned."""


class Harmless(str):
    """Text that may stand where it is put: it was made harmless, or is ours."""

    __slots__ = ()


def one_line(text: str) -> str:
    """Without line breaks, controls and invisible characters; every run of spaces is one."""
    spaced = "".join(" " if unicodedata.category(letter) in CONTROLS else letter for letter in text)
    return " ".join("".join(letter for letter in spaced if unicodedata.category(letter) not in INVISIBLE).split())


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters in one line, cut at a word with …."""
    line = one_line(text)
    if len(line) <= longest:
        return line
    head, space, _ = line[:longest].rpartition(" ")
    return f"{head if space else line[: longest - 1]}…"


def plain(text: str) -> Harmless:
    """For titles and commit messages: one line that names nobody, refers to nothing and commands nothing."""
    return Harmless(ISSUE_KEY.sub(rf"\1{GAP}", REFERENCE.sub(GAP, shortened(text, LONGEST))))


def markdown(text: str) -> Harmless:
    """For the middle of a line of Markdown, also inside a table; a command of ours stays one to copy."""
    safe, pieces, end = plain(text), [], 0
    for found in COMMAND.finditer(safe):
        pieces += [_escaped(safe[end : found.start()]), found[0]]
        end = found.end()
    return Harmless("".join((*pieces, _escaped(safe[end:]))))


def _escaped(text: str) -> str:
    return MEANINGFUL.sub(r"\\\g<0>", text)


def code(text: str) -> Harmless:
    """An image, digest, tag or commit as a code span; a character that has no place in one becomes `?`."""
    return Harmless(f"`{NAME_CHARACTERS.sub('?', shortened(text, LONGEST)) or '?'}`")


def link(words: str, url: str) -> Harmless:
    """A link around harmless words; only the words where `url` is no web address."""
    shown = words if isinstance(words, Harmless) else markdown(words)
    return Harmless(f"[{shown}]({url})" if WEB_ADDRESS.fullmatch(url) else shown)


def hidden(text: str) -> Harmless:
    """A name inside one of our hidden markers, which it cannot end."""
    return Harmless(NAME_CHARACTERS.sub("?", one_line(text)))
