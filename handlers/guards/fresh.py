"""Guard: only what failed a moment ago is taken back without a person."""

from datetime import datetime, timedelta

from bot.actions import Gate
from handlers.failing import failed_since
from handlers.hints import take_back
from handlers.rollback_cases import Case


def judge(case: Case, within: timedelta, now: datetime) -> Gate:
    """Red for an old failure, such as one of a canary that was found after an outage of the bot.

    What Flux alone tells (a health check, an apply) is as old as the bot's first sight of it.
    """
    name = "fresh"
    if case.decided:
        return Gate(name=name, verdict="green", because=case.decided)
    moment = failed_since(case.failure)
    since = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    if now - moment <= within:
        return Gate(name=name, verdict="green", because=f"it failed at {since}")
    because = f"it failed at {since}, more than {within} ago: look first, then {take_back(case.key)}"
    return Gate(name=name, verdict="red", because=because)
