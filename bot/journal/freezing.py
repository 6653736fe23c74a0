"""Freezes that people set: while one stands, nothing of any application is promoted into its environment."""

from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from bot.actions import KeepFreeze, Thaw
from bot.commanded import Freeze
from bot.journal.area import Area
from bot.journal.dirtying import mark_dirty, marks_of
from bot.journal.schema_records import baselines, freezes
from bot.keys import ApplicationKey


class Freezes(Area):
    """What people froze."""

    async def freezes(self, tenant: str, environment: str) -> tuple[Freeze, ...]:
        """Those of an environment that were not lifted, oldest first; some may have run out."""
        return await self._read(lambda c: _freezes(c, _here(tenant, environment)))

    async def standing_freezes(self) -> tuple[Freeze, ...]:
        """What is frozen now, everywhere, oldest first."""
        now = self._now()
        found = await self._read(lambda c: _freezes(c))
        return tuple(freeze for freeze in found if freeze.until is None or freeze.until > now)


def keep_freeze(connection: Connection, record: KeepFreeze, now: datetime) -> None:
    """Insert, once for each (who, since); every application of the tenant is looked at."""
    freeze = record.freeze
    same = _here(freeze.tenant, freeze.environment) & (freezes.c.since == freeze.since)
    if connection.execute(select(freezes.c.id).where(same, freezes.c.principal == freeze.principal)).first():
        return
    row = {name: getattr(freeze, name) for name in ("tenant", "environment", "principal", "because", "since", "until")}
    connection.execute(insert(freezes).values(row))
    _look(connection, freeze.tenant, f"{freeze.principal} froze {freeze.environment}", now)


def thaw(connection: Connection, record: Thaw, now: datetime) -> None:
    """Every freeze of the environment ends; what ran out before ended then."""
    lasting = _here(record.tenant, record.environment) & freezes.c.lifted_at.is_(None)
    over = update(freezes).where(lasting, freezes.c.until <= now)
    connection.execute(over.values(lifted_at=freezes.c.until, lifted_by=""))
    connection.execute(update(freezes).where(lasting).values(lifted_at=now, lifted_by=record.principal))
    _look(connection, record.tenant, f"{record.principal} thawed {record.environment}", now)


def _look(connection: Connection, tenant: str, because: str, now: datetime) -> None:
    known = connection.execute(select(baselines.c.application).where(baselines.c.tenant == tenant)).scalars()
    keys = [ApplicationKey(tenant, application) for application in known]
    mark_dirty(connection, marks_of(keys, None), because=because, now=now, urgent=True)


def _here(tenant: str, environment: str) -> ColumnElement[bool]:
    return (freezes.c.tenant == tenant) & (freezes.c.environment == environment)


def _freezes(connection: Connection, *where: ColumnElement[bool]) -> tuple[Freeze, ...]:
    wanted = select(freezes).where(freezes.c.lifted_at.is_(None), *where).order_by(freezes.c.since, freezes.c.id)
    return tuple(_freeze(row) for row in connection.execute(wanted).all())


def _freeze(row: Row[tuple[object, ...]]) -> Freeze:
    return Freeze(
        tenant=row.tenant,
        environment=row.environment,
        principal=row.principal,
        because=row.because,
        since=row.since,
        until=row.until,
    )
