"""Scalars are given their meaning by YAML 1.2's core schema, and nodes turned into plain data with a bound."""

from dataclasses import dataclass
from re import compile as pattern

from config.diagnostics import ConfigurationFault, Diagnostic
from config.yaml_text import MAX_DEPTH, Mapping, Node, Scalar, Sequence, resolved

MAX_NODES = 200_000
"""Nodes of one document after aliases are followed: enough for thousands of applications, too few for a bomb."""

Plain = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None

INTEGER = pattern(r"[-+]?[0-9]+")
FLOAT = pattern(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})

MAX_DIGITS = 18
"""Longer runs of digits stay text: Python refuses to read huge ones, and no setting needs them."""


def scalar_value(scalar: Scalar) -> bool | int | float | str | None:
    """What the scalar means: quoted and tagged ones are text (YAML 1.2.2, section 10.3.2)."""
    text = scalar.text
    if scalar.style or scalar.tagged:
        return text
    if text in NULLS:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text):
        return int(text) if len(text) <= MAX_DIGITS else text
    return float(text) if FLOAT.fullmatch(text) else text


def plain(node: Node, *, file: str) -> Plain:
    """The document as dicts, lists and values; ConfigurationFault when aliases make it too large or too deep."""
    return _Expansion(file=file).value(node, 0)


@dataclass(kw_only=True)
class _Expansion:
    file: str
    left: int = MAX_NODES

    def value(self, node: Node, depth: int) -> Plain:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            raise ConfigurationFault([_too_large(node, self.file)])
        meant = resolved(node)
        if isinstance(meant, Sequence):
            return [self.value(item, depth + 1) for item in meant.items]
        if isinstance(meant, Mapping):
            return {key.text: self.value(value, depth + 1) for key, value in meant.pairs}
        return scalar_value(meant) if isinstance(meant, Scalar) else None


def _too_large(node: Node, file: str) -> Diagnostic:
    return Diagnostic(
        file=file,
        line=node.line,
        column=node.column,
        code="yaml",
        what="this document is too large",
        why=f"once its aliases are followed it has more than {MAX_NODES} values or {MAX_DEPTH} levels",
        do="Write it without nested aliases, or split it.",
    )
