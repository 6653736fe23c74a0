"""The shape of a rule table: what each part of the sandbox models, how it is known, and from where."""

from dataclasses import dataclass
from typing import Literal

Known = Literal["S", "D", "I", "C", "R", "N"]
"""S source or spec, D documentation, I issue thread, C read in code, R recorded from the real thing, N inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One behaviour of a real system that the sandbox keeps."""

    id: str
    says: str
    known: Known
    source: str


def table(rules: tuple[Rule, ...]) -> str:
    """The rules as a Markdown table, for the documentation."""
    rows = [f"| `{rule.id}` | {rule.says} | {rule.known} | {rule.source} |" for rule in rules]
    return "\n".join(["| rule | says | known | source |", "|---|---|---|---|", *rows])
