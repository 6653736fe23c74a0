"""What was taken back in an environment, what was allowed again, and which release was last healthy there."""

from collections.abc import Iterator
from datetime import datetime

from bot.events import EnvironmentKey
from bot.observing import EnvironmentSeen, Promotion, PromotionState, Release

NEVER_THERE: frozenset[PromotionState] = frozenset({"waiting", "ready", "declined", "denied"})
"""A promotion that Git never declared, so there is nothing to take back."""


def tries_of(release: Release, key: EnvironmentKey, promotions: tuple[Promotion, ...]) -> Iterator[Promotion]:
    """The promotions of one release into one environment, newest first."""
    return (p for p in promotions if p.key == key and p.release.id == release.id)


def allowed_at(release: Release, key: EnvironmentKey, promotions: tuple[Promotion, ...]) -> datetime | None:
    """When the release was last allowed to come again after it had ended badly here; None when never."""
    moments = [p.asked_again_at for p in tries_of(release, key, promotions) if p.asked_again_at]
    return max(moments, default=None)


def still_counts(moment: datetime, release: Release, key: EnvironmentKey, promotions: tuple[Promotion, ...]) -> bool:
    """Whether what was said of a release at `moment` still stands against it: not once it was allowed again."""
    allowed = allowed_at(release, key, promotions)
    return allowed is None or moment > allowed


def kept_out(release: Release, seen: EnvironmentSeen, key: EnvironmentKey, here: tuple[Promotion, ...]) -> str:
    """What keeps a release out of an environment until a person allows it; empty when nothing does.

    here: the promotions of this environment, newest first.
    """
    if denial := seen.denied(release):
        return f"it is denied there since {denial.since:%Y-%m-%d %H:%M} UTC"
    pin = seen.pin
    if pin is not None and pin.instead_of.id == release.id and still_counts(pin.since, release, key, here):
        return f"a pin keeps it out since {pin.since:%Y-%m-%d %H:%M} UTC"
    left = next((p for p in tries_of(release, key, here) if p.state == "rolled_back"), None)
    if left is not None and still_counts(left.updated_at, release, key, here):
        return f"it was taken back there at {left.updated_at:%Y-%m-%d %H:%M} UTC"
    return ""


def way_back(bad: Release, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Release | None:
    """What Git declares, where that is another release that was healthy here and still may be; else the last such."""
    fit = tuple(healthy(bad, seen, here))
    declared = next((one for one in fit if seen.declared is not None and one.id == seen.declared.id), None)
    return declared or next(iter(fit), None)


def healthy(bad: Release, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Iterator[Release]:
    """Other releases that were healthy here, are not denied, and did not end badly since; the newest first.

    here: the promotions of this environment, newest first.
    """
    ended_badly = {bad.id}
    for promotion in here:
        release = promotion.release
        if promotion.state in ("rolled_back", "failed"):
            ended_badly.add(release.id)
        if promotion.healthy_at and release.id not in ended_badly and not seen.denied(release):
            yield release


def went_back(seen: EnvironmentSeen) -> bool:
    """Git declares what a pin put it back to."""
    return seen.pin is not None and seen.declared is not None and seen.pin.release.id == seen.declared.id


def left(seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Promotion | None:
    """The promotion that Git went back from, until it is recorded as rolled back.

    None while image automation has written it over the rollback: it is told once that is restored.
    """
    if seen.pin is None or not went_back(seen):
        return None
    if not seen.agrees and seen.standing is not None and seen.standing.id == seen.pin.instead_of.id:
        return None
    tries = [p for p in here if p.release.id == seen.pin.instead_of.id and p.opened_at <= seen.pin.since]
    latest = next((p for p in tries if p.state not in NEVER_THERE), None)
    return None if latest is None or latest.state == "rolled_back" else latest
