"""A delivery is durable when `put` returns; deliveries that arrive together share one commit."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from bot.events import Delivery
from bot.journal.area import Area
from bot.journal.engine import InboxRow, Receipt
from bot.journal.moments import to_micros

BATCH = 256
"""Deliveries per commit at most."""
BATCH_BYTES = 32 * 1024 * 1024
"""Body bytes per commit at most (one larger delivery is taken alone)."""

COMPANY = 0.002
"""Seconds a delivery waits at most for others to share its commit with."""

Waiting = tuple[InboxRow, "asyncio.Future[Receipt]"]


def delivery_id(now: datetime) -> str:
    """A new identity, 32 hex digits that sort by time, so that storing it touches the end of the index only."""
    return f"{to_micros(now):014x}{os.urandom(9).hex()}"


class Store(Protocol):
    """What makes the rows of a batch durable, all in one go."""

    async def put(self, rows: Sequence[InboxRow]) -> list[Receipt]:
        """Return once they are on disk, with a receipt for each."""
        ...


class Batcher:
    """Gathers deliveries while the commit before is under way; at most one commit at a time.

    Senders that were answered together send again together. So after a commit of several the next one waits for as
    many again, for `COMPANY` at most: without that a first one commits alone and all others behind it, twice the cost.
    """

    def __init__(self, store: Store, stored: Callable[[], None]) -> None:
        self._store = store
        self._stored = stored
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._expected = 1
        self._company: asyncio.Future[None] | None = None

    def add(self, row: InboxRow) -> "asyncio.Future[Receipt]":
        """Queue a row; the future is its receipt."""
        future: asyncio.Future[Receipt] = self._loop.create_future()
        self._waiting.append((row, future))
        if self._task is None:
            self._task = self._loop.create_task(self._flush(), name="journal-inbox")
        elif self._company is not None and len(self._waiting) >= self._expected:
            _complete(self._company)
        return future

    async def drain(self) -> None:
        """Return when nothing is queued any more."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch = self._take()
                self._expected = len(batch)
                await self._answer(batch)
        finally:
            self._task = None

    async def _gather(self) -> None:
        if len(self._waiting) >= self._expected:
            return
        self._company = self._loop.create_future()
        timer = self._loop.call_later(COMPANY, _complete, self._company)
        await self._company
        timer.cancel()
        self._company = None

    def _take(self) -> list[Waiting]:
        size = 0
        for count, (row, _) in enumerate(self._waiting):
            size += row.size
            if count and (count == BATCH or size > BATCH_BYTES):
                batch, self._waiting = self._waiting[:count], self._waiting[count:]
                return batch
        batch, self._waiting = self._waiting, []
        return batch

    async def _answer(self, batch: list[Waiting]) -> None:
        try:
            receipts = await self._store.put([row for row, _ in batch])
        except Exception as error:  # noqa: BLE001 - every waiting request must be answered, and this task must go on
            _fail(batch, error)
            return
        for (_, future), receipt in zip(batch, receipts, strict=True):
            if not future.done():
                future.set_result(receipt)
        self._stored()


class Inbox(Area):
    """Where the receivers put what arrives."""

    _batcher: Batcher

    def put(self, delivery: Delivery) -> Awaitable[Receipt]:
        """Store a delivery durably. `duplicate`: its idempotency key was seen at this endpoint in the last 7 days.

        TemporaryError when the database cannot be written now; then nothing is stored.
        """
        return self._batcher.add(row_of(delivery))


def row_of(delivery: Delivery) -> InboxRow:
    """The delivery as the databases' drivers take it."""
    return InboxRow(
        delivery.id,
        delivery.endpoint,
        delivery.idempotency_key,
        to_micros(delivery.received_at),
        msgspec.json.encode(dict(delivery.headers)).decode(),
        delivery.scope,
        delivery.trace,
        len(delivery.body),
        delivery.body,
    )


def _fail(batch: list[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)


def _complete(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
