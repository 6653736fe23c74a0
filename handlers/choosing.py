"""Which release an environment should get next: the newest that was healthy in all environments before it."""

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile

from bot.events import EnvironmentKey
from bot.observing import (
    EnvironmentSeen,
    MergeRequestSeen,
    Promotion,
    PromotionState,
    Release,
    ReleaseRecord,
    compare_versions,
)
from handlers.gates import pin
from handlers.undone import still_counts

UNDECIDED: frozenset[PromotionState] = frozenset({"waiting", "ready", "superseded"})
"""A promotion that ended otherwise was refused by a person, or its release was in the environment."""


def choose(
    seen: EnvironmentSeen,
    releases: Iterable[ReleaseRecord],
    promotions: tuple[Promotion, ...],
    before: tuple[str, ...],
    barred: frozenset[str],
) -> Release | None:
    """The newest proven candidate, else the newest candidate (to say what it waits for), else None.

    A candidate is no baseline, newer than what Git declares, and not barred (ids, see `turned_away` and `kept_out`).
    """
    candidates = [
        record.release
        for record in releases
        if not record.baseline and record.release.id not in barred and may_follow(record.release, seen.declared)
    ]
    proven = [release for release in candidates if all(healthy_at(release, name, promotions) for name in before)]
    return newest(proven) or newest(candidates)


def turned_away(
    key: EnvironmentKey, promotions: tuple[Promotion, ...], request: MergeRequestSeen | None
) -> frozenset[str]:
    """Releases (ids) that do not come back by themselves: a person refused them here, or they were here already.

    What Git does not declare any more was taken back by somebody, who is respected. Reopening the merge request of a
    refused release asks for it anew, and allowing it again makes what it ended with before count no more.
    """
    reopened = request.proposes.id if request and request.state == "opened" and request.proposes else ""
    return frozenset(
        promotion.release.id
        for promotion in promotions
        if promotion.key == key
        and promotion.state not in UNDECIDED
        and still_counts(promotion.updated_at, promotion.release, key, promotions)
        and not (promotion.state == "declined" and promotion.release.id == reopened)
    )


def kept_out(
    key: EnvironmentKey, seen: EnvironmentSeen, releases: Iterable[ReleaseRecord], promotions: tuple[Promotion, ...]
) -> frozenset[str]:
    """Releases (ids) that Git keeps out of an environment: denied there, or not newer than what a pin was set for."""
    return frozenset(
        record.release.id
        for record in releases
        if seen.denied(record.release) or pin.judge(key, record.release, seen, promotions).verdict != "green"
    )


def may_follow(release: Release, declared: Release | None) -> bool:
    """Newer by semantic version; what cannot be compared never supersedes by itself (design section 3).

    The same version with another digest is a new release; which of the two is newer nobody can say.
    """
    return declared is None or compare_versions(release.version, declared.version) == "newer"


def newest(releases: list[Release]) -> Release | None:
    """The one that no other is newer than; of several such, which cannot be compared, the one known longest."""
    tops = [one for one in releases if not any(is_newer(other, one) for other in releases)]
    return tops[-1] if tops else None


def is_newer(left: Release, right: Release) -> bool:
    """By semantic version."""
    return compare_versions(left.version, right.version) == "newer"


def healthy_at(release: Release, environment: str, promotions: tuple[Promotion, ...]) -> datetime | None:
    """When the release was first healthy in all clusters of an environment, None when it never was.

    Only its tries since it was last taken back or failed there count, and none while it is still kept out.
    """
    tries = [p for p in promotions if p.key.environment == environment and p.release.id == release.id]
    left = next((p for p in tries if p.state == "rolled_back"), None)
    if left is not None and still_counts(left.updated_at, release, left.key, promotions):
        return None
    since = takewhile(lambda promotion: promotion.state not in ("rolled_back", "failed"), tries)
    return min((promotion.healthy_at for promotion in since if promotion.healthy_at), default=None)
