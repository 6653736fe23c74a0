"""Guard: what an environment was taken back to is not taken back in turn."""

from bot.actions import Gate
from bot.observing import Pin
from handlers.rollback_cases import Case


def judge(case: Case, pin: Pin | None) -> Gate:
    """Red for the release that a pin holds: going further back is a person's decision (design section 6)."""
    name = "no second way back"
    if pin is None or pin.release.id != case.bad.id:
        return Gate(name=name, verdict="green", because=f"{case.bad.name} is not what a rollback put there")
    because = (
        f"{case.key.environment} was taken back to {case.bad.name} from {pin.instead_of.name}: "
        "a rollback is not rolled back, so promote a newer release or commit to the config repository"
    )
    return Gate(name=name, verdict="red", because=because)
