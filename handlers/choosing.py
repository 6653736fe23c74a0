"""Which release an environment should get next: the newest that was healthy in all environments before it."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from bot.observing import EnvironmentSeen, Promotion, Release, ReleaseRecord, compare_versions


def choose(
    seen: EnvironmentSeen,
    releases: Iterable[ReleaseRecord],
    promotions: tuple[Promotion, ...],
    before: tuple[str, ...],
    declined: frozenset[str],
) -> Release | None:
    """The newest proven candidate, else the newest candidate (to say what it waits for), else None.

    A candidate is no baseline, newer than what Git declares, and not declined (ids) by a person.
    """
    candidates = [
        record.release
        for record in releases
        if not record.baseline and record.release.id not in declined and may_follow(record.release, seen.declared)
    ]
    proven = [release for release in candidates if all(healthy_at(release, name, promotions) for name in before)]
    return newest(proven) or newest(candidates)


def may_follow(release: Release, declared: Release | None) -> bool:
    """Newer by semantic version; what cannot be compared never supersedes by itself (design section 3).

    The same version with another digest is a new release; which of the two is newer nobody can say.
    """
    return declared is None or compare_versions(release.version, declared.version) == "newer"


def newest(releases: list[Release]) -> Release | None:
    """The newest by semantic version; of two that cannot be compared the one known longer."""
    return reduce(newer_of, releases) if releases else None


def newer_of(left: Release, right: Release) -> Release:
    """The newer of two; `right` when they cannot be compared."""
    return left if compare_versions(left.version, right.version) == "newer" else right


def healthy_at(release: Release, environment: str, promotions: tuple[Promotion, ...]) -> datetime | None:
    """When the release was first healthy in all clusters of an environment, None when it never was."""
    moments = [
        promotion.healthy_at
        for promotion in promotions
        if promotion.key.environment == environment and promotion.release.id == release.id and promotion.healthy_at
    ]
    return min(moments, default=None)
