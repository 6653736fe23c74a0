"""PostgreSQL: the same closures over asyncpg, many replicas at once, and a signal when one of them made work."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import PermanentError, TemporaryError
from bot.journal.engine import AGAIN, NOTIFY_CHANNEL, InboxRow, Receipt, translated
from bot.journal.idempotency import put_one_by_one
from bot.journal.listener import Listener

T = TypeVar("T")
POOL = 8
CONNECT_SECONDS = 10
COMMAND_SECONDS = 60
# asyncpg's own state machine raises InternalClientError when the server's last words cross a request on their way.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
"""What time does not heal: a wrong user or password, a database that does not exist."""
TRIES = 4
UNDONE = frozenset({"40P01", "40001"})
"""deadlock_detected, serialization_failure: undone as a whole, "retry the transaction" (PostgreSQL 17, 13.5)."""

# One round trip and one commit for the whole batch, numbered in the order of arrival.
INSERT = f"""
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                         $8::integer[], $9::bytea[]) WITH ORDINALITY
        AS g(id, endpoint, idempotency_key, received_at, headers, scope, trace, size, body, place)
), stored AS (
    INSERT INTO deliveries (id, endpoint, idempotency_key, received_at, headers, scope, trace, size, phase)
    SELECT id, endpoint, idempotency_key, received_at, headers, scope, trace, size, 'received'
    FROM given ORDER BY place
    ON CONFLICT DO NOTHING RETURNING id
), kept AS (
    INSERT INTO bodies (delivery, body) SELECT given.id, given.body FROM given JOIN stored ON stored.id = given.id
    ON CONFLICT DO NOTHING
)
SELECT id, pg_notify('{NOTIFY_CHANNEL}', '') FROM stored
"""  # noqa: S608 - the channel is a constant


class PostgresqlEngine:
    """A database shared by any number of replicas."""

    def __init__(self, dsn: str, *, read_only: bool) -> None:
        self._dsn = dsn
        self._read_only = read_only
        self._engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=self._connect, pool_size=POOL, max_overflow=0, pool_timeout=30
        )
        self._inbox: asyncpg.Connection[asyncpg.Record] | None = None
        self._listener = Listener(self._connect)

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction that is rolled back."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(fn)
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise translated(error) from error

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction (READ COMMITTED) and commit."""
        if self._read_only:
            raise PermanentError("cannot write to the journal: it was opened for reading only. Ask the running server.")
        tries = 0
        while True:
            tries += 1
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(fn)
            except (DBAPIError, PoolTimeout, OSError) as error:
                if tries == TRIES or not _undone(error):
                    raise translated(error) from error

    async def put(self, rows: Sequence[InboxRow]) -> list[Receipt]:
        """One statement for all rows; those that repeat a key are looked at one by one."""
        try:
            stored = await self._insert(rows)
        except LOST:
            # Sending the batch again is safe: rows that were committed meet their own id. Connections are lost, and
            # two replicas that are sent the same deliveries in opposite orders meet in a deadlock.
            stored = await self._insert_again(rows)
        repeated = [row for row in rows if row.id not in stored]
        answers = {row.id: Receipt(id=row.id, duplicate=False) for row in rows}
        if repeated:
            receipts = await self.write(lambda connection: put_one_by_one(connection, repeated))
            answers |= {row.id: receipt for row, receipt in zip(repeated, receipts, strict=True)}
        return [answers[row.id] for row in rows]

    def on_wake(self, callback: Callable[[], None]) -> None:
        """Listen on a connection of its own, made anew whenever it is lost."""
        self._listener.start(callback)

    async def close(self) -> None:
        """Close every connection."""
        await self._listener.stop()
        await self._drop_inbox()
        await self._engine.dispose()

    async def _insert_again(self, rows: Sequence[InboxRow]) -> set[str]:
        await self._drop_inbox()
        try:
            return await self._insert(rows)
        except LOST as error:
            raise TemporaryError(
                f"the delivery could not be stored: {type(error).__name__}: {error}. The sender may send it again."
            ) from error

    async def _insert(self, rows: Sequence[InboxRow]) -> set[str]:
        if self._inbox is None or self._inbox.is_closed():
            self._inbox = await self._connect()
        return {record["id"] for record in await self._inbox.fetch(INSERT, *zip(*rows, strict=True))}

    async def _drop_inbox(self) -> None:
        if self._inbox is not None:
            self._inbox.terminate()
            self._inbox = None

    async def _connect(self, *_: Any, **__: Any) -> "asyncpg.Connection[asyncpg.Record]":
        settings = {"application_name": "sluice", "timezone": "UTC"}
        if self._read_only:
            settings["default_transaction_read_only"] = "on"
        try:
            return await asyncpg.connect(
                self._dsn, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS, server_settings=settings
            )
        except REFUSED as error:
            raise PermanentError(
                f"PostgreSQL refuses the journal: {error}. Mend the user, password or database in the journal's URL."
            ) from error
        except (asyncpg.PostgresError, OSError) as error:
            raise TemporaryError(f"PostgreSQL cannot be reached: {type(error).__name__}: {error}. {AGAIN}") from error


def _undone(error: DBAPIError | PoolTimeout | OSError) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in UNDONE
