"""What arrived: digested once, listed for people, and sent through again when one of them asks."""

from sqlalchemy import Connection, func, select, update

from bot.errors import PermanentError
from bot.events import Phase
from bot.journal.area import Area
from bot.journal.behalf import asked_in
from bot.journal.digesting import Parse, digest_received
from bot.journal.schema import bodies, deliveries, run_causes, work_causes
from bot.journal.stored import DeliveryStory, StoredDelivery, delivery_of, stored_of
from bot.keys import parse_key

LISTED = 1000
"""Runs, keys and duplicates named in a delivery's story at most."""


class Deliveries(Area):
    """The inbox after `put`."""

    async def digest(self, parse: Parse, limit: int = 100) -> int:
        """Take received deliveries in order, parse them, and dirty their keys, in one transaction.

        `parse` must be pure: it may be called again for the same delivery after a crash or a lost connection.
        Returns how many were taken; call again until it returns 0.
        """
        now = self._now()
        return await self._write_and_wake(lambda c: digest_received(c, parse, limit, now), when=bool)

    async def deliveries(
        self, *, phase: Phase | None = None, endpoint: str | None = None, limit: int = 50
    ) -> list[StoredDelivery]:
        """The newest first."""
        return await self._read(lambda c: _listing(c, phase, endpoint, limit))

    async def delivery(self, delivery: str) -> DeliveryStory:
        """One delivery and what became of it; PermanentError when there is none (or no longer)."""
        return await self._read(lambda c: _story(c, delivery))

    async def redeliver(self, delivery: str) -> None:
        """Send it through again: it is parsed anew, counts even if it repeats another, and revives dead work.

        PermanentError when it is unknown or retention has dropped its body.
        """
        await self._write_and_wake(lambda c: _redeliver(c, delivery))

    async def counts(self) -> dict[Phase, int]:
        """How many deliveries are kept in each phase; phases without any are left out."""
        return await self._read(_counts)


def _listing(connection: Connection, phase: Phase | None, endpoint: str | None, limit: int) -> list[StoredDelivery]:
    wanted = select(deliveries).order_by(deliveries.c.seq.desc()).limit(limit)
    if phase is not None:
        wanted = wanted.where(deliveries.c.phase == phase)
    if endpoint is not None:
        wanted = wanted.where(deliveries.c.endpoint == endpoint)
    return [stored_of(row) for row in connection.execute(wanted).all()]


def _story(connection: Connection, delivery: str) -> DeliveryStory:
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery)).one_or_none()
    if row is None:
        raise _unknown(delivery)
    body = connection.execute(select(bodies.c.body).where(bodies.c.delivery == delivery)).scalar_one_or_none()
    keys = select(work_causes.c.key).distinct().where(work_causes.c.delivery == delivery).order_by(work_causes.c.key)
    runs = select(run_causes.c.run).where(run_causes.c.delivery == delivery).order_by(run_causes.c.run)
    same = select(deliveries.c.id).where(
        deliveries.c.semantic_key == row.semantic_key, deliveries.c.duplicate_of == delivery
    )
    return DeliveryStory(
        stored=stored_of(row),
        delivery=None if body is None else delivery_of(row, body),
        keys=tuple(parse_key(key) for key in connection.scalars(keys.limit(LISTED))),
        runs=tuple(connection.scalars(runs.limit(LISTED))),
        duplicates=tuple(connection.scalars(same.order_by(deliveries.c.seq).limit(LISTED))),
    )


def _redeliver(connection: Connection, delivery: str) -> None:
    if connection.execute(select(bodies.c.delivery).where(bodies.c.delivery == delivery)).one_or_none() is None:
        raise _unknown(delivery)
    # What follows belongs to the request of who sent it again, not to a trace that ended long ago.
    anew = {"trace": trace} if (trace := asked_in()) else {}
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery)
        .values(phase="received", reason="", duplicate_of=None, attempts=deliveries.c.attempts + 1, **anew)
    )


def _counts(connection: Connection) -> dict[Phase, int]:
    rows = connection.execute(select(deliveries.c.phase, func.count()).group_by(deliveries.c.phase))
    return {row[0]: row[1] for row in rows}


def _unknown(delivery: str) -> PermanentError:
    return PermanentError(
        f"there is no delivery {delivery}: it was never stored, or retention has dropped it after a week. "
        "`sluice events list` shows those that are kept; GitLab can resend a delivery from the hook's page."
    )
