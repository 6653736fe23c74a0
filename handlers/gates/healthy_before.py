"""Gate: the release was healthy in every environment before this one, for as long as it is to soak there."""

from datetime import datetime, timedelta

from bot.actions import Gate, Verdict
from bot.observing import Denial, Promotion, Release
from handlers.choosing import healthy_at
from handlers.undone import still_counts

NAME = "healthy before"


def judge(
    release: Release,
    before: tuple[str, ...],
    promotions: tuple[Promotion, ...],
    soak: timedelta,
    now: datetime,
    denied: tuple[tuple[str, Denial], ...] = (),
) -> Gate:
    """Waiting while it may still become healthy, red where it failed or was taken back (failures F12).

    denied: the release's denials in the environments before, by environment; they outlast its health there.
    """
    if denied:
        environment, denial = denied[0]
        because = f"{release.name} is denied in {environment}: {denial.because}"
        return Gate(name=NAME, verdict="red", because=because)
    if not before:
        return Gate(name=NAME, verdict="green", because="no environment comes before")
    for environment in before:
        if gate := missing(release, environment, promotions, soak, now):
            return gate
    because = f"{release.name} is healthy in {' and '.join(before)}"
    return Gate(name=NAME, verdict="green", because=because)


def missing(
    release: Release, environment: str, promotions: tuple[Promotion, ...], soak: timedelta, now: datetime
) -> Gate | None:
    """The gate while this one environment does not vouch for the release."""
    tries = [p for p in promotions if p.key.environment == environment and p.release.id == release.id]
    last = tries[0] if tries else None
    left = next((p for p in tries if p.state == "rolled_back"), None)
    # What image automation writes over a rollback vouches for nothing, though it may be the newest try.
    if left is not None and (left is last or still_counts(left.updated_at, release, left.key, promotions)):
        verdict: Verdict = "waiting" if left.asked_again_at else "red"
        return Gate(name=NAME, verdict=verdict, because=f"{release.name} left {environment}: {left.because}")
    moment = healthy_at(release, environment, promotions)
    if moment is not None:
        ripe = moment + soak
        because = f"{release.name} soaks in {environment} until {ripe:%Y-%m-%d %H:%M:%S} UTC"
        return None if now >= ripe else Gate(name=NAME, verdict="waiting", because=because)
    if last is None:
        because = f"{release.name} has not been in {environment} yet"
        return Gate(name=NAME, verdict="waiting", because=because)
    because = f"{release.name} is not healthy in {environment}: {last.because}"
    return Gate(name=NAME, verdict="red" if last.state == "failed" else "waiting", because=because)
