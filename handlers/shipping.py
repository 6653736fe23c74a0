"""Which application commits an environment's roll-out speaks for, and what it says of each."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from bot.observing import Comparison, Promotion, ReleaseRecord, compare_versions

Shipped = Literal["running", "success", "failed"]

LEFT_BEHIND = 5
"""How many roll-outs that Git moved on from are asked after, the newest first; each costs a look at its commit."""


def state_of(promotion: Promotion) -> Shipped | None:
    """What is told outside: nothing before the roll-out began, never a waiting (design section 5).

    A release written into Git beside us may not be rolling out yet, so only its end is told. What was taken back has
    failed, even if it was healthy before.
    """
    if promotion.state == "rolled_back":
        return "failed"
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
    """The promotion whose roll-out is the latest in an environment; a baseline is history and speaks of nothing.

    What was taken back speaks until another rolls out: what runs again by that said its word before.
    """
    here = [p for p in promotions if p.key.environment == environment and state_of(p) is not None]
    latest = here[0] if here else None
    return None if latest is None or latest.baseline else latest


def previous(environment: str, promotion: Promotion, promotions: tuple[Promotion, ...]) -> Promotion | None:
    """The last release that was healthy there before this promotion, and was not taken back."""
    return next(
        (
            p
            for p in promotions
            if p.key.environment == environment and state_of(p) == "success" and p.release.id != promotion.release.id
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
    if previous_one is None or comparison is None or state_of(promotion) != "success":
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


def left_behind(environment: str, promotions: tuple[Promotion, ...]) -> tuple[Promotion, ...]:
    """Roll-outs that Git moved on from before they were healthy, since the last one that ended; newest first.

    None while the roll-out that overtook them is under way: it may contain them.
    """
    here = [p for p in promotions if p.key.environment == environment]
    latest = next((p for p in here if state_of(p) is not None), None)
    if latest is not None and state_of(latest) == "running":
        return ()
    return tuple(islice(overtaken(here, latest), LEFT_BEHIND))


def overtaken(here: list[Promotion], latest: Promotion | None) -> Iterator[Promotion]:
    """The superseded and withdrawn between the latest roll-out and the one that ended before it."""
    for promotion in here:
        if promotion is not latest and state_of(promotion) in ("success", "failed"):
            return
        if promotion.state in ("superseded", "withdrawn") and state_of(promotion) is None:
            yield promotion
