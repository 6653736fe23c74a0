"""Guard: many applications that fail together are the platform's failure, not their own (failures F22)."""

from datetime import timedelta

from bot.actions import Gate
from bot.observing import FailureMark
from handlers.hints import allow, take_back
from handlers.rollback_cases import Case

SHOWN = 5
"""How many of the others a sentence names."""


def judge(case: Case, failures: tuple[FailureMark, ...], most: int, within: timedelta) -> Gate:
    """Red from `most` different (application, environment) pairs on that failed within that time of this failure.

    Counted around the failure and not back from now, so that the brake does not let go by itself later.
    """
    name = "brake"
    if case.decided:
        return Gate(name=name, verdict="green", because=case.decided)
    near = [mark for mark in failures if abs(mark.at - case.failure.at) <= within and mark.key != case.key]
    # They come newest first; of several of a pair the newest stays.
    newest = {mark.key: mark for mark in reversed(near)}
    others = [newest[key] for key in sorted(newest)]
    if len(others) + 1 < most:
        return Gate(name=name, verdict="green", because=f"{len(others) + 1} of {most} failures within {within}")
    return Gate(name=name, verdict="red", because=together(case, others, within))


def together(case: Case, others: list[FailureMark], within: timedelta) -> str:
    """Who else failed, and how to go on for each answer to whose fault it is."""
    names = ", ".join(f"{mark.key.application} in {mark.key.environment}" for mark in others[:SHOWN])
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    undo = " and ".join(allow(mark.key, mark.release or "VERSION") for mark in others[:SHOWN])
    return (
        f"{len(others) + 1} failed within {within} of each other{f', also {names}{more}' if others else ''}: "
        f"the platform may be at fault. If it is not, {take_back(case.key)}"
        + (f"; if it is, bring back what was taken back before this with {undo}" if others else "")
    )
