"""A write that is allowed for a moment only: it is asked for last, and given up when its time is over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from bot.clients.git.process import REMOTE_TIMEOUT
from bot.errors import TemporaryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What must hold while something is written.

    before_write: awaited directly before the write; whatever it raises stops it. within: how long the write may take,
    counted from when it is wanted, so that it is over before what `before_write` was allowed has ended.
    """

    before_write: Callable[[], Awaitable[None]]
    within: timedelta


async def _nobody_asked() -> None:
    """Who writes alone asks nobody."""


UNFENCED = Fence(before_write=_nobody_asked, within=timedelta(seconds=REMOTE_TIMEOUT))
"""For a command that a person runs: no other replica writes for it."""


@asynccontextmanager
async def turn(lock: asyncio.Lock, fence: Fence, what: str) -> AsyncIterator[float]:
    """Hold the lock, just allowed to write, for the seconds given; TemporaryError when none are left."""
    until = monotonic() + fence.within.total_seconds()
    try:
        async with asyncio.timeout(fence.within.total_seconds()):
            await lock.acquire()
    except TimeoutError as error:
        raise _too_late(what, fence) from error
    try:
        await fence.before_write()
        left = until - monotonic()
        if left <= 0:
            raise _too_late(what, fence)
        yield left
    finally:
        lock.release()


def _too_late(what: str, fence: Fence) -> TemporaryError:
    return TemporaryError(
        f"{what} was not begun within {fence.within.total_seconds():.0f} s: the mirror or the journal was busy. "
        "Nothing was written; it is tried again by itself. Look at how long fetches take if this goes on."
    )
