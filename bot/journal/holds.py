"""Holds: while one stands, nothing is promoted into its environment; who set it, why, until when, and who lifted it."""

from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from bot.actions import KeepHold, LiftHolds
from bot.journal.area import Area
from bot.journal.dirtying import mark_dirty, marks_of
from bot.journal.schema_records import holds
from bot.keys import EnvironmentKey
from bot.records import Hold


class Holds(Area):
    """What people hold."""

    async def hold(self, key: EnvironmentKey, principal: str, because: str, until: datetime | None) -> Hold:
        """Hold an environment until a moment, or until somebody lifts it; its application is looked at anew.

        An environment may be held by several at once; holds that ran out by now are closed on the way.
        """
        now = self._now()
        made = Hold(key=key, principal=principal, because=because, since=now, until=until)

        def held(connection: Connection) -> Hold:
            keep_hold(connection, KeepHold(hold=made), now)
            return made

        return await self._write_and_wake(held)

    async def lift_hold(self, key: EnvironmentKey, principal: str) -> tuple[Hold, ...]:
        """Lift every hold of the environment; returns those that still stood, oldest first."""
        now = self._now()

        lift = LiftHolds(key=key, principal=principal)
        return await self._write_and_wake(lambda c: lift_holds(c, lift, now), when=bool)

    async def holds(self, key: EnvironmentKey) -> tuple[Hold, ...]:
        """Holds that were not lifted, oldest first; some may have run out."""
        return await self._read(lambda c: _holds(c, _here(key)))

    async def standing_holds(self) -> tuple[Hold, ...]:
        """What is held now, everywhere, oldest first."""
        now = self._now()
        found = await self._read(lambda c: _holds(c))
        return tuple(hold for hold in found if hold.until is None or hold.until > now)


def keep_hold(connection: Connection, record: KeepHold, now: datetime) -> None:
    """Insert, once for each (who, since); the application is looked at."""
    made = record.hold
    same = _here(made.key) & (holds.c.since == made.since) & (holds.c.principal == made.principal)
    if connection.execute(select(holds.c.id).where(same)).first() is not None:
        return
    _close_expired(connection, made.key, now)
    _insert(connection, made)
    _look(connection, made.key, f"{made.principal} holds {made.key.environment}", now)


def lift_holds(connection: Connection, record: LiftHolds, now: datetime) -> tuple[Hold, ...]:
    """Every hold of the environment ends; returns those that still stood, and looks if there were any."""
    key, principal = record.key, record.principal
    _close_expired(connection, key, now)
    standing = _holds(connection, _here(key))
    connection.execute(update(holds).where(_here(key), _lasting()).values(lifted_at=now, lifted_by=principal))
    if standing:
        _look(connection, key, f"{principal} lifted the hold of {key.environment}", now)
    return standing


def _here(key: EnvironmentKey) -> ColumnElement[bool]:
    here = (holds.c.tenant == key.tenant) & (holds.c.application == key.application)
    return here & (holds.c.environment == key.environment)


def _lasting() -> ColumnElement[bool]:
    return holds.c.lifted_at.is_(None)


def _close_expired(connection: Connection, key: EnvironmentKey, now: datetime) -> None:
    expired = _here(key) & _lasting() & (holds.c.until <= now)
    connection.execute(update(holds).where(expired).values(lifted_at=holds.c.until, lifted_by=""))


def _insert(connection: Connection, hold: Hold) -> None:
    row = {
        "tenant": hold.key.tenant,
        "application": hold.key.application,
        "environment": hold.key.environment,
        "principal": hold.principal,
        "because": hold.because,
        "since": hold.since,
        "until": hold.until,
    }
    connection.execute(insert(holds).values(row))


def _look(connection: Connection, key: EnvironmentKey, because: str, now: datetime) -> None:
    mark_dirty(connection, marks_of([key.owner], None), because=because, now=now, urgent=True)


def _holds(connection: Connection, *where: ColumnElement[bool]) -> tuple[Hold, ...]:
    wanted = select(holds).where(_lasting(), *where).order_by(holds.c.since, holds.c.id)
    return tuple(_hold(row) for row in connection.execute(wanted).all())


def _hold(row: Row[tuple[object, ...]]) -> Hold:
    return Hold(
        key=EnvironmentKey(row.tenant, row.application, row.environment),
        principal=row.principal,
        because=row.because,
        since=row.since,
        until=row.until,
    )
