"""Hears the other replicas: a connection that listens, made anew whenever it is lost.

What is said while nobody listens is not repeated; the slow poll of `Wakeups` covers the gap.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from bot.errors import SluiceError
from bot.journal.engine import NOTIFY_CHANNEL

log = structlog.get_logger(__name__)
AGAIN_AFTER = 1.0
"""Seconds between two attempts to listen."""

Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]


class Listener:
    """A task that keeps one listening connection alive."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._task: asyncio.Task[None] | None = None

    def start(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the loop for each signal, and once after each new connection."""
        self._task = asyncio.create_task(self._keep_listening(callback), name="journal-listen")

    async def stop(self) -> None:
        """End the task and its connection."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _keep_listening(self, callback: Callable[[], None]) -> None:
        while True:
            try:
                await self._listen(callback)
            except (SluiceError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("journal listener lost", error=str(error), again_in=AGAIN_AFTER)
            await asyncio.sleep(AGAIN_AFTER)

    async def _listen(self, callback: Callable[[], None]) -> None:
        connection = await self._connect()
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(NOTIFY_CHANNEL, lambda *_: callback())
            callback()
            await lost.wait()
        finally:
            connection.terminate()
