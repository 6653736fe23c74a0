"""The journal: what the bot saw, decided and did, durable in one SQLite file or shared in PostgreSQL."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import Self
from uuid import uuid4

from sqlalchemy import Connection, make_url, select, update
from sqlalchemy.exc import ArgumentError

from bot.clock import Clock
from bot.errors import PermanentError
from bot.journal.approving import Approvals
from bot.journal.area import insert_or_ignore
from bot.journal.audit import Audit
from bot.journal.canaries import Canaries
from bot.journal.canary_messages import CanaryMessages
from bot.journal.commands import Commands
from bot.journal.deliveries import Deliveries
from bot.journal.documents import Documents
from bot.journal.effects import Effects
from bot.journal.engine import Engine
from bot.journal.freezing import Freezes
from bot.journal.heard import HeardCommands
from bot.journal.holds import Holds
from bot.journal.inbox import Batcher, Inbox
from bot.journal.linking import Links
from bot.journal.migrate import migrate, require_current
from bot.journal.records import Records
from bot.journal.retention import Retention
from bot.journal.runs import Runs
from bot.journal.schema import installation, sections, work
from bot.journal.tenants import Tenants
from bot.journal.wakeups import Wakeups
from bot.journal.work import Work

CHANCE = SystemRandom().random
POLL_EVERY = timedelta(seconds=5)
"""How often a replica looks though nobody called: what was said while it reconnected is not said again."""


class Journal(
    Inbox,
    Deliveries,
    Work,
    Runs,
    Documents,
    Effects,
    Records,
    Commands,
    HeardCommands,
    Approvals,
    Holds,
    Freezes,
    Links,
    Canaries,
    CanaryMessages,
    Tenants,
    Audit,
    Retention,
):
    """Every area in one object; made by `open`, let go by `close`."""

    def __init__(
        self, engine: Engine, clock: Clock, chance: Callable[[], float], installation_id: str, *, shared: bool
    ) -> None:
        wakeups = Wakeups(poll_every=POLL_EVERY if shared else None)
        super().__init__(engine, clock, wakeups, chance, installation_id)
        self._batcher = Batcher(engine, wakeups.ring)
        self._closed = False

    @classmethod
    async def open(
        cls, url: str, clock: Clock, *, read_only: bool = False, chance: Callable[[], float] = CHANCE
    ) -> Self:
        """Open the database and bring its tables up to date.

        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, or `postgresql://user:secret@host/database` with
        libpq's parameters. chance: numbers in [0, 1) for the jitter of back-offs.
        PermanentError when another process has the SQLite file, when the tables are of a newer version, or when there
        is nothing to read; TemporaryError while PostgreSQL cannot be reached.
        """
        engine = await _engine(url, read_only=read_only)
        try:
            identity = await _prepare(engine, clock.now(), read_only=read_only)
            journal = cls(engine, clock, chance, identity, shared=url.startswith("postgresql"))
        except BaseException:
            await engine.close()
            raise
        if not read_only:
            engine.on_wake(journal._wakeups.ring)
        return journal

    async def touch(self) -> None:
        """Write without changing anything; the error of whatever keeps the journal from being written."""
        same = update(installation).values(one=installation.c.one)
        await self._write(lambda c: c.execute(same).rowcount)

    async def close(self) -> None:
        """Answer what is queued, then let go of the database; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._batcher.drain()
        await self._engine.close()


async def _engine(url: str, *, read_only: bool) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise PermanentError(_NO_URL) from error
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        # Both engines are imported here, so that a process loads only the driver it uses.
        from bot.journal.sqlite import open_sqlite

        return await asyncio.to_thread(open_sqlite, Path(parsed.database), read_only=read_only)
    if parsed.drivername in ("postgresql", "postgresql+asyncpg"):
        from bot.journal.postgresql import PostgresqlEngine

        dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        return PostgresqlEngine(dsn, read_only=read_only)
    raise PermanentError(_NO_URL)


# The URL itself is not repeated: it may hold a password.
_NO_URL = (
    "the journal's URL names no database this program knows. "
    "Write sqlite:///sluice.db, or postgresql://user:password@host/database."
)


async def _prepare(engine: Engine, now: datetime, *, read_only: bool) -> str:
    if read_only:
        await engine.read(require_current)
        return await engine.read(_identity)
    return await engine.write(lambda c: _install(c, now))


def _take_over(connection: Connection) -> None:
    """Nobody else can be at work on a locked SQLite file: what a killed process held need not wait for its lease."""
    if connection.dialect.name == "sqlite":
        # Counted like a lease that ran out: work that kills the process must back off, too, once it fails otherwise.
        freed = {"owner": None, "lease_until": None, "attempts": work.c.attempts + 1}
        connection.execute(update(work).where(work.c.owner.is_not(None)).values(freed))
        connection.execute(update(sections).where(sections.c.owner.is_not(None)).values(owner=None, lease_until=None))


def _identity(connection: Connection) -> str:
    return str(connection.execute(select(installation.c.id)).scalar_one())


def _install(connection: Connection, now: datetime) -> str:
    migrate(connection)
    _take_over(connection)
    connection.execute(insert_or_ignore(connection, installation).values(one=1, id=uuid4().hex, created_at=now))
    return _identity(connection)
