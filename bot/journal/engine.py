"""What the journal asks of a database: synchronous closures over one connection, each a transaction, on both alike."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import PermanentError, TemporaryError

T = TypeVar("T")
NOTIFY_CHANNEL = "sluice_journal"
AGAIN = "It is tried again; look at the database and its disk if this goes on."


class InboxRow(NamedTuple):
    """A delivery as the drivers take it: plain values in the order of the insert statements."""

    id: str
    endpoint: str
    idempotency_key: str
    received_at: int
    headers: str
    scope: str
    trace: str
    size: int
    body: bytes


class Receipt(NamedTuple):
    """The durable answer to a delivery. id: the delivery's own, or that of the one it repeats."""

    id: str
    duplicate: bool


class Engine(Protocol):
    """One database. Closures are given a SQLAlchemy connection, await nothing, and may be run on another thread."""

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction that only reads; TemporaryError while the database cannot be reached."""
        ...

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction and return once it is durable; whatever `fn` raises undoes it."""
        ...

    async def put(self, rows: Sequence[InboxRow]) -> list[Receipt]:
        """Store deliveries in one transaction, by the driver itself, and wake the other replicas."""
        ...

    def on_wake(self, callback: Callable[[], None]) -> None:
        """Call this on the event loop whenever another replica signals."""
        ...

    async def close(self) -> None:
        """Let what is queued finish, then let go of the database."""
        ...


def signal(connection: Connection) -> None:
    """Wake the other replicas when this transaction commits; with one process on SQLite there are none."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {NOTIFY_CHANNEL}")


def translated(error: Exception) -> Exception:
    """A driver's error in our two words: TemporaryError when time may heal it (locked, full, unreachable).

    PermanentError when the file is broken or none of SQLite's. A broken constraint or statement is our own mistake
    and stays what it is, like every error that is not a driver's.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(error, cause)
    if isinstance(error, IntegrityError | ProgrammingError):
        return error
    if isinstance(error, DBAPIError | PoolTimeout | OSError):
        return TemporaryError(f"the journal's database did not answer as it should: {_told(cause)}. {AGAIN}")
    return error


BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
MISTAKEN = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE)


def _from_sqlite(error: Exception, cause: sqlite3.Error) -> Exception:
    # SQLite calls a wrong statement "operational" like a full disk; the low byte of its code tells them apart.
    kind = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    if kind in BROKEN:
        return PermanentError(
            f"the journal's file cannot be read: {_told(cause)}. Restore it from a backup, or name another file."
        )
    if kind in MISTAKEN:
        return error
    return TemporaryError(f"the journal's file could not be used: {_told(cause)}. {AGAIN}")


def _told(cause: BaseException | None) -> str:
    return f"{type(cause).__name__}: {cause}"
