"""What image automation wrote into an environment without a merged release file, and over what it wrote it."""

from datetime import datetime, timedelta

from bot.observing import EnvironmentSeen, Failure, Promotion, Release

NEXT = timedelta(seconds=1)
"""How far apart two rollbacks of a release are at least: the second is part of their natural key."""


def beside(seen: EnvironmentSeen) -> Release | None:
    """The release at the image positions that no release file declares; Flux lagging behind a merge is none.

    Only where Flux writes the positions do they say anything but what is declared (see EnvironmentSeen.standing).
    """
    found, declared = seen.standing, seen.declared
    if seen.agrees or found is None or (declared is not None and declared.id == found.id):
        return None
    return found


def written_again(record: Promotion, why: str, seen: EnvironmentSeen, tries: tuple[Promotion, ...]) -> Failure:
    """How a release that stays out came back, as what a rollback is dated and named by.

    It is not measured anew: what is denied was measured to be bad, and anything else stays what it was. It is dated
    by the record of this one intrusion, so that each of them is restored under a natural key of its own, and once.
    """
    earlier = next((one.failure.kind for one in tries if one.failure), None)
    pinned = seen.pin.failure if seen.pin is not None and seen.pin.instead_of.id == record.release.id else "unknown"
    return Failure(
        kind="measured" if seen.denied(record.release) else earlier or pinned,
        cause="automation",
        evidence=f"promotion {record.id}",
        because=f"image automation wrote {record.release.name} there, but {why}",
        at=after_the_pin(record.opened_at, seen),
    )


def after_the_pin(moment: datetime, seen: EnvironmentSeen) -> datetime:
    """The moment, or a later one: two rollbacks of one release within a second would share their natural key."""
    return moment if seen.pin is None else max(moment, seen.pin.since + NEXT)
