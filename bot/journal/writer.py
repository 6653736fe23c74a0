"""The writing thread: everything queued when it looks is one transaction, and nobody is answered before the commit."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import sqlalchemy
from sqlalchemy import Connection

from bot.errors import TemporaryError
from bot.journal.engine import translated

T = TypeVar("T")
GROUP = 256
"""Closures per commit at most, so that the first of them does not wait for a queue that never empties."""


@dataclass(slots=True, kw_only=True)
class Job(Generic[T]):
    """A closure on its way through the writing thread, and what became of it."""

    fn: Callable[[Connection], T]
    future: asyncio.Future[T]
    loop: asyncio.AbstractEventLoop
    value: list[T] = field(default_factory=list)
    error: Exception | None = None

    def perform(self, connection: Connection) -> None:
        """Run the closure; whatever it raises goes to its caller, and the work of others is kept."""
        try:
            self.value.append(self.fn(connection))
        except Exception as error:  # noqa: BLE001 - told to the caller by `settle`
            self.error = translated(error)

    def settle(self) -> None:
        """Tell the caller, on its loop; a caller that no longer waits is not told."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value[0])


class Writer:
    """Owns the one writing connection of a SQLite engine.

    BEGIN, SAVEPOINT and COMMIT are said to the driver itself: SQLAlchemy's own transactions cost more than the writes
    of a commit. Towards SQLAlchemy the connection is in one transaction for as long as it lives.
    """

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self._engine = engine
        self._connection = engine.connect()
        self._driver = driver_of(self._connection)
        self._queue: SimpleQueue[Job[object] | None] = SimpleQueue()
        self._closing = False
        self.commits = 0
        # A daemon: an interpreter that ends without close() loses only what was never acknowledged.
        self._thread = threading.Thread(target=self._run, name="journal-write", daemon=True)
        self._thread.start()

    async def submit(self, fn: Callable[[Connection], T]) -> T:
        """The value of `fn` once its transaction is durable, or what it raised after it was undone."""
        if self._closing:
            raise TemporaryError("the journal is closing: this is tried again after the restart.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(Job(fn=fn, future=future, loop=loop))  # type: ignore[arg-type]  # a queue of all kinds of jobs
        return await future

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()
        self._connection.close()
        self._engine.dispose()

    def _run(self) -> None:
        while batch := self._next():
            self._commit(batch)
            by_loop: dict[asyncio.AbstractEventLoop, list[Job[object]]] = {}
            for job in batch:
                by_loop.setdefault(job.loop, []).append(job)
            for loop, jobs in by_loop.items():
                _answer(loop, jobs)

    def _next(self) -> list[Job[object]]:
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < GROUP:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                self._queue.put(None)
                break
            batch.append(job)
        return batch

    def _commit(self, batch: list[Job[object]]) -> None:
        try:
            self._driver.execute("BEGIN IMMEDIATE")
            if len(batch) == 1:
                self._perform_alone(batch[0])
            else:
                self._perform_together(batch)
        except sqlite3.Error as error:
            # Nothing of this batch is durable, whatever its closures returned: every caller must hear it.
            self._undo()
            for job in batch:
                job.error = job.error or translated(error)

    def _perform_alone(self, job: Job[object]) -> None:
        # A savepoint copies each page before it changes, a quarter of what a delivery costs: nobody else is kept here.
        job.perform(self._connection)
        if job.error is not None:
            self._undo()
            return
        self._driver.execute("COMMIT")
        self.commits += 1

    def _perform_together(self, batch: list[Job[object]]) -> None:
        for job in batch:
            self._driver.execute("SAVEPOINT job")
            job.perform(self._connection)
            if job.error is not None:
                self._driver.execute("ROLLBACK TO job")
            self._driver.execute("RELEASE job")
        self._driver.execute("COMMIT")
        self.commits += 1

    def _undo(self) -> None:
        # A full disk or a broken file may have ended the transaction already.
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The sqlite3 connection below a SQLAlchemy one."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"expected the sqlite3 driver, got {type(driver).__name__}")
    return driver


def _answer(loop: asyncio.AbstractEventLoop, jobs: list[Job[object]]) -> None:
    # A closed loop has nobody left who waits; it may close between any check and the call.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: list[Job[object]]) -> None:
    for job in jobs:
        job.settle()
