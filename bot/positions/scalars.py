"""A new value is written in the old one's quotes, and quoted where a plain one would be read as something else."""

from re import compile as pattern

PLAIN = pattern(r"[A-Za-z0-9_](?:[A-Za-z0-9._/@+-]|:(?=[A-Za-z0-9._/]))*")
"""Texts that YAML reads back unchanged without quotes, in block and flow style alike."""

NO_TEXT = pattern(
    r"(?i:y|n|yes|no|on|off|true|false|null)"  # YAML 1.1 booleans and null
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?"  # integers, sexagesimals, floats
    r"|[-+]?(?:\.?[0-9][0-9_.]*)[eE][-+]?[0-9]+"  # exponents: the commit 12345e7 is one
    r"|0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"  # timestamps
)
"""Plain texts that some YAML reader (1.1 in Go and Python, 1.2 elsewhere) takes for a number, a date or a word."""


def written(value: str, style: str) -> str:
    """`value` as a scalar in `style`: `'`, `"`, or empty for plain, which becomes `"` where plain would not be safe."""
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    if style == "" and PLAIN.fullmatch(value) and not NO_TEXT.fullmatch(value):
        return value
    return quoted(value)


def quoted(value: str) -> str:
    """`value` as a double-quoted scalar in ASCII (YAML 1.2.2, section 5.7), readable by every YAML version."""
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
