"""Transactions that meet in opposite orders are undone by PostgreSQL, and done again by the journal."""

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection, text, update

from bot.clock import SystemClock
from bot.journal import Journal
from bot.journal.schema import AUDIT, DIRTY, counters


def counting(first: str, second: str) -> Callable[[Connection], None]:
    """Locks two rows, with time between for somebody else to lock the second one."""

    def write(connection: Connection) -> None:
        connection.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
        for name in (first, second):
            connection.execute(update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))
            connection.execute(text("SELECT pg_sleep(0.1)"))

    return write


async def test_a_deadlock_is_written_again_and_nothing_is_lost(postgresql_url: str) -> None:
    journal = await Journal.open(postgresql_url, SystemClock())

    await asyncio.gather(
        journal._engine.write(counting(DIRTY, AUDIT)),
        journal._engine.write(counting(AUDIT, DIRTY)),
    )

    read = await journal._engine.read(lambda c: c.execute(counters.select()).all())
    await journal.close()
    assert {row.name: row.value for row in read} == {DIRTY: 2, AUDIT: 2}
