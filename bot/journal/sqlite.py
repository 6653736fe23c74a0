"""SQLite: one thread writes and commits together whatever was queued together; reads run beside it in a small pool."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import PermanentError
from bot.journal.engine import InboxRow, Receipt, translated
from bot.journal.idempotency import put_one_by_one
from bot.journal.lock import FileLock
from bot.journal.writer import Writer, driver_of

T = TypeVar("T")
READERS = 2
BUSY_MILLISECONDS = 5000

INSERT_DELIVERY = (
    "INSERT INTO deliveries (id, endpoint, idempotency_key, received_at, headers, scope, trace, size, phase)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'received') ON CONFLICT DO NOTHING"
)
LAST = "SELECT coalesce(max(seq), 0) FROM deliveries"
FORGET_SINCE = "DELETE FROM deliveries WHERE seq > ?"
INSERT_BODY = "INSERT INTO bodies (delivery, body) VALUES (?, ?)"


class SqliteEngine:
    """A SQLite file in WAL mode with synchronous=FULL: what was acknowledged survives kill -9 and power loss."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._lock = None if read_only else FileLock(path)
        self._readers = _engine(path, read_only=True)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="journal-read")
        self._writer: Writer | None = None
        try:
            if not read_only:
                # Made here, so that its owner alone can read it; SQLite gives the files beside it the same mode.
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
                self._writer = Writer(_engine(path, read_only=False))
        except (sqlalchemy.exc.DBAPIError, OSError) as error:
            self._close()
            raise translated(error) from error

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a snapshot, on a reading thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Queue `fn` for the writing thread; returns after the commit it shares."""
        if self._writer is None:
            raise PermanentError(
                "cannot write to the journal: it was opened for reading only. Ask the running server to do it."
            )
        return await self._writer.submit(fn)

    async def put(self, rows: Sequence[InboxRow]) -> list[Receipt]:
        """One driver call for all rows; only when one of them repeats a key are they looked at one by one."""
        return await self.write(lambda connection: _put(connection, rows))

    def on_wake(self, callback: Callable[[], None]) -> None:
        """Nothing to do: this process is the only one that writes."""

    async def close(self) -> None:
        """Commit what is queued, close all connections, release the file."""
        await asyncio.to_thread(self._close)

    def _read(self, fn: Callable[[Connection], T]) -> T:
        try:
            with self._readers.connect() as connection:
                return fn(connection)
        except sqlalchemy.exc.DBAPIError as error:
            raise translated(error) from error

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._pool.shutdown()
        self._readers.dispose()
        if self._lock is not None:
            self._lock.release()


def open_sqlite(path: Path, *, read_only: bool) -> SqliteEngine:
    """Open the file, making it (readable by its owner alone) when it is to be written; blocks, so call it in a thread.

    PermanentError when another process has it open for writing, or when there is nothing to read.
    """
    if read_only and not path.exists():
        raise PermanentError(f"there is no journal at {path}: start `sluice serve` once, or name the right file.")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    return SqliteEngine(path, read_only=read_only)


def _engine(path: Path, *, read_only: bool) -> sqlalchemy.Engine:
    mode = "ro" if read_only else "rwc"
    engine = sqlalchemy.create_engine(
        f"sqlite:///file:{quote(str(path.resolve()))}?mode={mode}&uri=true",
        pool_size=READERS if read_only else 1,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        _configure(connection, read_only=read_only)

    if read_only:
        event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _configure(connection: DBAPIConnection, *, read_only: bool) -> None:
    # The driver's own transaction control begins late and commits early; None hands it to `_begin` and to the writer.
    connection.isolation_level = None
    pragmas = [f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON"]
    if not read_only:
        # In a temporary file a savepoint's copies of pages cost a fifth of a delivery; they need no durability.
        pragmas += ["journal_mode=WAL", "synchronous=FULL", "journal_size_limit=67108864", "temp_store=MEMORY"]
        # Four times the default: pages of the indexes change again and again, and are copied back only once.
        pragmas += ["wal_autocheckpoint=4000"]
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _put(connection: Connection, rows: Sequence[InboxRow]) -> list[Receipt]:
    driver = driver_of(connection)
    (last,) = driver.execute(LAST).fetchone()
    if driver.executemany(INSERT_DELIVERY, [row[:8] for row in rows]).rowcount == len(rows):
        driver.executemany(INSERT_BODY, [(row.id, row.body) for row in rows])
        return [Receipt(id=row.id, duplicate=False) for row in rows]
    # Nobody else writes meanwhile: what is behind `last` came by this statement. A savepoint would cost every delivery.
    driver.execute(FORGET_SINCE, (last,))
    return put_one_by_one(connection, rows)
