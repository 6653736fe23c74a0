"""The worker outlives a journal that does not answer for a moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot import worker
from bot.clock import FixedClock
from bot.errors import TemporaryError
from bot.worker import Limits, Worker


class FlakyJournal:
    """Fails once, then says when it is asked again."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_again = asyncio.Event()

    async def digest(self, parse: object) -> int:
        self.asked += 1
        if self.asked == 1:
            raise TemporaryError("the database is away. It is tried again.")
        self.asked_again.set()
        await asyncio.Event().wait()
        return 0


async def test_a_database_away_for_a_moment_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "AWAY", timedelta(0))
    journal, nothing = FlakyJournal(), cast(Any, SimpleNamespace(parse=None))
    working = Worker(
        name="worker",
        journal=cast(Any, journal),
        tenants=nothing,
        recall=nothing,
        rules=(),
        observers=nothing,
        executor=nothing,
        parser=nothing,
        clock=FixedClock(datetime(2026, 3, 2, tzinfo=UTC)),
        limits=Limits(),
    )

    task = asyncio.create_task(working.run())
    await asyncio.wait_for(journal.asked_again.wait(), 5)

    assert not task.done()
    task.cancel()
