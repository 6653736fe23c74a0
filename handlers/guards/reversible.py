"""Guard: nothing on the way back needs more than the older images, such as a migrated database."""

from functools import cache
from re import Pattern, escape
from re import compile as pattern

from bot.actions import Gate
from bot.observing import Comparison
from handlers.hints import take_back
from handlers.rollback_cases import Case

SHOWN = 3
"""How many files a sentence names."""
NAME = "reversible"


def judge(case: Case, comparison: Comparison | None, marks: tuple[str, ...], globs: tuple[str, ...]) -> Gate:
    """Red when it is marked irreversible, or changes a file that the policy calls so, or nobody can tell.

    comparison: from where it goes back to, to the release. marks: what marks it or a release in between.
    """
    if case.decided:
        return Gate(name=NAME, verdict="green", because=case.decided)
    if case.back_to is None:
        return Gate(name=NAME, verdict="green", because="there is no release to compare with")
    if because := obstacle(case, comparison, marks, globs):
        because = f"{because}: see whether the older release can live with it, then {take_back(case.key)}"
        return Gate(name=NAME, verdict="red", because=because)
    return Gate(name=NAME, verdict="green", because=f"{case.bad.name} changes nothing that outlives it")


def obstacle(case: Case, comparison: Comparison | None, marks: tuple[str, ...], globs: tuple[str, ...]) -> str:
    """What forbids going back without a person; empty when nothing does."""
    bad = case.bad.name
    if marks:
        return f"marked irreversible: {', '.join(marks)}"
    if not globs:
        return ""
    if comparison is None:
        return f"the files that {bad} changes are not known, because its commit or the older one is not"
    found = [path for path in comparison.paths if any(matches(glob, path) for glob in globs)]
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return f"{bad} changes {', '.join(found[:SHOWN])}{more}"
    return f"{bad} changes too many files for GitLab to list them all" if comparison.cut else ""


def matches(glob: str, path: str) -> bool:
    """`**/` stands for any folders or none, `**` for any text, `*` and `?` for text without a slash."""
    return _expression(glob).fullmatch(path) is not None


@cache
def _expression(glob: str) -> Pattern[str]:
    text = escape(glob).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return pattern(text.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))
