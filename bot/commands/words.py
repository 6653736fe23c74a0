"""The words of a line: quotes hold them together, and nothing here is ever near a shell."""

import re

WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+)')
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Control and format characters: what is not seen is not said."""


def split(said: str) -> list[str]:
    """The words; a quoted text is one word, without its quotes."""
    return [_word(found) for found in WORD.finditer(said)]


def _word(found: re.Match[str]) -> str:
    double, single, bare = found.groups()
    if double is not None:
        return re.sub(r"\\(.)", r"\1", double)
    return single if single is not None else bare


def strange(said: str) -> str:
    """The first character of a text that is not plain ASCII, or empty; a person's reason may hold any that are seen."""
    return next((character for character in said if not character.isascii()), "")
