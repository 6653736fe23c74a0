"""Guard: only what failed a moment ago is taken back without a person."""

from datetime import datetime, timedelta

from bot.actions import Gate
from handlers.hints import take_back
from handlers.rollback_cases import Case


def judge(case: Case, within: timedelta, now: datetime) -> Gate:
    """Red for an old failure, such as one that was found after an outage of the bot."""
    name = "fresh"
    if case.decided:
        return Gate(name=name, verdict="green", because=case.decided)
    since = f"{case.failure.at:%Y-%m-%d %H:%M:%S} UTC"
    if now - case.failure.at <= within:
        return Gate(name=name, verdict="green", because=f"it failed at {since}")
    because = f"it failed at {since}, more than {within} ago: look first, then {take_back(case.key)}"
    return Gate(name=name, verdict="red", because=because)
