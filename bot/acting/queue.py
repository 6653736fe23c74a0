"""Merges into one branch go one after another, across replicas, and a rollback goes before every waiting promotion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta

from bot.errors import TemporaryError
from bot.journal import Journal
from bot.journal.effects import Section
from bot.tenants import Tenant

MERGE_QUEUE = timedelta(seconds=30)
"""How long one merge may hold the queue of its branch."""
PATIENCE = MERGE_QUEUE + timedelta(seconds=5)
"""How long a rollback stands at the front: longer than whoever is inside may stay."""
ASKED_EVERY = timedelta(milliseconds=200)
FRONT = "rollback-waiting:"


class MergeQueue:
    """The queue of each (config project, branch). A waiting rollback holds a second section, which bars promotions."""

    def __init__(self, journal: Journal, owner: str) -> None:
        self._journal = journal
        self._owner = owner

    @asynccontextmanager
    async def turn(self, tenant: Tenant, *, first: bool) -> AsyncIterator[None]:
        """Be the one who merges. first: wait at the front, until `PATIENCE` is over; TemporaryError when it is not
        one's turn: at once for everybody else, and while a rollback waits."""
        queue = f"merge:{tenant.config_project}:{tenant.branch}"
        async with AsyncExitStack() as stack:
            if first:
                await self._go_first(queue, stack)
            else:
                await self._let_rollbacks_pass(queue)
                await stack.enter_async_context(self._section(queue))
            yield

    async def _let_rollbacks_pass(self, queue: str) -> None:
        """TemporaryError while a rollback waits; who comes to wait later finds at most this one merge before it."""
        async with self._section(_front(queue)):
            return

    async def _go_first(self, queue: str, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        ends, wanted = loop.time() + PATIENCE.total_seconds(), [_front(queue), queue]
        while wanted:
            try:
                await stack.enter_async_context(self._section(wanted[0]))
                wanted.pop(0)
            except TemporaryError:
                if loop.time() > ends:
                    raise
                await asyncio.sleep(ASKED_EVERY.total_seconds())

    def _section(self, name: str) -> AbstractAsyncContextManager[Section]:
        # The front is held while waiting and merging, so it may be needed for both times.
        lease = PATIENCE + MERGE_QUEUE if name.startswith(FRONT) else MERGE_QUEUE
        return self._journal.exclusive(name, self._owner, lease)


def _front(queue: str) -> str:
    return f"{FRONT}{queue}"
