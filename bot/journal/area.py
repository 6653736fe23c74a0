"""What every area of the journal stands on: one database, one clock, one bell."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from bot.clock import Clock
from bot.journal.behalf import on_behalf
from bot.journal.engine import Engine, signal
from bot.journal.wakeups import Wakeups

T = TypeVar("T")


def _always(_: object) -> bool:
    return True


class Area:
    """The base of the journal's areas; `Journal` is all of them together."""

    def __init__(
        self, engine: Engine, clock: Clock, wakeups: Wakeups, chance: Callable[[], float], installation_id: str
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._wakeups = wakeups
        self._chance = chance
        self.installation_id = installation_id

    def _now(self) -> datetime:
        return self._clock.now()

    async def _read(self, fn: Callable[[Connection], T]) -> T:
        return await self._engine.read(fn)

    async def _write(self, fn: Callable[[Connection], T]) -> T:
        return await self._engine.write(on_behalf(fn))

    async def _write_and_wake(self, fn: Callable[[Connection], T], *, when: Callable[[T], bool] = _always) -> T:
        """Write, and wake whoever waits for work; `when`: only if the value says that there may be some."""

        def noisy(connection: Connection) -> T:
            value = fn(connection)
            if when(value):
                signal(connection)
            return value

        value = await self._engine.write(on_behalf(noisy))
        if when(value):
            self._wakeups.ring()
        return value


def insert_or_ignore(connection: Connection, table: Table) -> Insert:
    """An insert that leaves a row of the same key as it is."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def insert_or_update(connection: Connection, table: Table, *but: str) -> Insert:
    """An insert that overwrites a row of the same primary key, save for the columns named in `but`."""
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    fresh = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys and c.name not in but}
    return insert.on_conflict_do_update(index_elements=keys, set_=fresh)
