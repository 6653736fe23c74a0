"""Guard: the policy takes back what ended this way, or a person asked for it."""

from collections.abc import Mapping

from bot.actions import Gate
from bot.observing import FailureCause
from handlers.hints import take_back
from handlers.rollback_cases import Case

NAMES: Mapping[FailureCause, str] = {
    "canary": "canary_failed",
    "health_check": "health_check_failed",
    "reconciliation": "reconciliation_failed",
}


def judge(case: Case, causes: tuple[str, ...]) -> Gate:
    """Red when the policy leaves this cause to people. causes: `rollback.on` of the policy."""
    name = "caused"
    if case.decided:
        return Gate(name=name, verdict="green", because=case.decided)
    word = NAMES.get(case.failure.cause)
    if word in causes:
        return Gate(name=name, verdict="green", because=f"the policy takes back after {word}")
    because = (
        f"{case.key.environment} takes nothing back by itself after {word or case.failure.cause}: "
        f"{take_back(case.key)} does, or name it under rollback.on in policy.yaml"
    )
    return Gate(name=name, verdict="red", because=because)
