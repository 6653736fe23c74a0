"""Guard: a release is taken back once in an environment, until it is allowed again."""

from bot.actions import Gate
from bot.observing import EnvironmentSeen, Promotion
from handlers.hints import allow
from handlers.rollback_cases import Case
from handlers.undone import still_counts, tries_of


def judge(case: Case, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Gate:
    """Red when it was taken back, pinned away or denied here before: then a person brought it, and a person decides.

    What image automation wrote over that was brought by nobody: it is restored each time and counts for nothing.
    """
    name = "once"
    if case.came == "again":
        because = f"nobody brought {case.bad.name} back, so what keeps it out is restored and no second rollback"
        return Gate(name=name, verdict="green", because=because)
    if because := before(case, seen, here):
        again = f"who brought it again decides; after {allow(case.key, case.bad.name)} it may be taken back again"
        return Gate(name=name, verdict="red", because=f"{because}: {again}")
    return Gate(name=name, verdict="green", because=f"{case.bad.name} was not taken back here before")


def before(case: Case, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> str:
    """What says that it was taken back before; empty when nothing does."""
    bad, key, pin = case.bad, case.key, seen.pin
    left = [p.updated_at for p in tries_of(bad, key, here) if p.state == "rolled_back"]
    if any(still_counts(moment, bad, key, here) for moment in left):
        return f"{bad.name} was taken back in {key.environment} before"
    if pin is not None and pin.instead_of.id == bad.id and still_counts(pin.since, bad, key, here):
        return f"a pin of {pin.since:%Y-%m-%d %H:%M} keeps {bad.name} out of {key.environment}"
    denial = seen.denied(bad)
    if denial is not None and still_counts(denial.since, bad, key, here):
        return f"{bad.name} is denied in {key.environment} since {denial.since:%Y-%m-%d %H:%M}"
    return ""
