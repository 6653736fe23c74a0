"""Every waiting task hears the bell, also when it rang while the task was busy."""

import asyncio
from datetime import timedelta

from bot.journal.wakeups import Wakeups

NOT_LONG = timedelta(milliseconds=1)
LONG = timedelta(seconds=30)


async def test_first_wait_returns_at_once_because_nobody_knows_what_rang_before() -> None:
    assert await Wakeups(poll_every=None).wait(LONG)


async def test_wait_ends_unwoken_at_its_timeout() -> None:
    wakeups = Wakeups(poll_every=None)
    await wakeups.wait(LONG)

    assert not await wakeups.wait(NOT_LONG)


async def test_slow_poll_ends_a_wait_without_timeout() -> None:
    wakeups = Wakeups(poll_every=NOT_LONG)
    await wakeups.wait(None)

    assert not await wakeups.wait(None)


async def test_ringing_between_two_waits_is_heard_by_the_next() -> None:
    wakeups = Wakeups(poll_every=None)
    await wakeups.wait(LONG)

    wakeups.ring()

    assert await wakeups.wait(LONG)
    assert not await wakeups.wait(NOT_LONG)


async def test_one_ringing_wakes_every_waiting_task() -> None:
    wakeups = Wakeups(poll_every=None)
    ready = asyncio.Barrier(4)

    async def sleeper() -> bool:
        await wakeups.wait(LONG)
        await ready.wait()
        return await wakeups.wait(LONG)

    sleepers = [asyncio.create_task(sleeper()) for _ in range(3)]
    await ready.wait()
    wakeups.ring()

    assert await asyncio.gather(*sleepers) == [True, True, True]
