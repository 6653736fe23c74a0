"""Which application commits an environment's roll-out speaks for, and what it says of each."""

from typing import Literal

from bot.observing import Comparison, Promotion, ReleaseRecord, compare_versions

Shipped = Literal["running", "success", "failed"]


def state_of(promotion: Promotion) -> Shipped | None:
    """What is told outside: nothing before the roll-out began, never a waiting (design section 5).

    A release written into Git beside us may not be rolling out yet, so only its end is told.
    """
    if promotion.healthy_at is not None:
        return "success"
    match promotion.state:
        case "applied":
            return "running"
        case "failed":
            return "failed"
        case _:
            return None


def current(environment: str, promotions: tuple[Promotion, ...]) -> Promotion | None:
    """The promotion whose roll-out is the latest in an environment; a baseline is history and speaks of nothing."""
    here = [p for p in promotions if p.key.environment == environment and state_of(p) is not None]
    latest = here[0] if here else None
    return None if latest is None or latest.baseline else latest


def previous(environment: str, promotion: Promotion, promotions: tuple[Promotion, ...]) -> Promotion | None:
    """The last release that was healthy there before this promotion."""
    return next(
        (
            p
            for p in promotions
            if p.key.environment == environment and p.healthy_at and p.release.id != promotion.release.id
        ),
        None,
    )


def skipped(
    promotion: Promotion,
    previous_one: Promotion | None,
    comparison: Comparison | None,
    releases: tuple[ReleaseRecord, ...],
    promotions: tuple[Promotion, ...],
) -> tuple[ReleaseRecord, ...]:
    """Releases that never rolled out here and whose commits this one contains, by the application's history (F5)."""
    if previous_one is None or comparison is None or promotion.healthy_at is None:
        return ()
    contained = {change.sha for change in comparison.brings}
    shipped = {p.release.id for p in promotions if p.key == promotion.key and state_of(p) is not None}
    return tuple(
        record
        for record in releases
        if not record.baseline
        and record.release.id not in shipped
        and record.release.commit in contained
        and compare_versions(record.release.version, promotion.release.version) == "older"
    )
