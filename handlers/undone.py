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


def last_healthy(bad: Release, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Release | None:
    """The newest other release that was healthy here, is not denied, and did not end badly since.

    here: the promotions of this environment, newest first.
    """
    ended_badly = {bad.id}
    for promotion in here:
        release = promotion.release
        if promotion.state in ("rolled_back", "failed"):
            ended_badly.add(release.id)
        if promotion.healthy_at and release.id not in ended_badly and not seen.denied(release):
            return release
    return None


def went_back(seen: EnvironmentSeen) -> bool:
    """Git declares what a pin put it back to."""
    return seen.pin is not None and seen.declared is not None and seen.pin.release.id == seen.declared.id


def left(seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Promotion | None:
    """The promotion that Git went back from, until it is recorded as rolled back."""
    if seen.pin is None or not went_back(seen):
        return None
    tries = [p for p in here if p.release.id == seen.pin.instead_of.id and p.opened_at <= seen.pin.since]
    latest = next((p for p in tries if p.state not in NEVER_THERE), None)
    return None if latest is None or latest.state == "rolled_back" else latest
