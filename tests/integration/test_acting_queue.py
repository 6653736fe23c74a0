"""Merges into one branch go one after another, and a rollback goes before every promotion that waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.acting import queue as queues
from bot.acting.queue import MergeQueue
from bot.clock import SystemClock
from bot.errors import TemporaryError
from bot.journal import Journal
from bot.tenants import Tenant

ACME = Tenant(name="acme", config_project="acme/config", branch="main", projects=("acme/*",))
OTHER = Tenant(name="other", config_project="other/config", branch="main", projects=("other/*",))


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[MergeQueue]:
    journal = await Journal.open(f"sqlite:///{tmp_path}/journal.db", SystemClock())
    yield MergeQueue(journal, "one")
    await journal.close()


async def test_two_promotions_never_merge_together(queue: MergeQueue) -> None:
    async with queue.turn(ACME, first=False):
        with pytest.raises(TemporaryError, match="is taken by"):
            async with queue.turn(ACME, first=False):
                pytest.fail("two at once")


async def test_branches_do_not_wait_for_each_other(queue: MergeQueue) -> None:
    entered = False
    async with queue.turn(ACME, first=False), queue.turn(OTHER, first=False):
        entered = True

    assert entered


async def test_a_rollback_waits_for_the_one_inside_and_goes_next(queue: MergeQueue) -> None:
    served: list[str] = []

    async def roll_back() -> None:
        async with queue.turn(ACME, first=True):
            served.append("rollback")

    async with queue.turn(ACME, first=False):
        waiting = asyncio.create_task(roll_back())
        await _until_barred(queue)
        served.append("promotion")
    await waiting

    assert served == ["promotion", "rollback"]


async def _until_barred(queue: MergeQueue) -> None:
    """Wait until promotions give way to the rollback at the front."""
    async with asyncio.timeout(10):
        while True:
            try:
                await queue._let_rollbacks_pass("merge:acme/config:main")
            except TemporaryError:
                return
            await asyncio.sleep(0.01)


async def test_promotions_give_way_while_a_rollback_merges(queue: MergeQueue) -> None:
    async with queue.turn(ACME, first=True):
        with pytest.raises(TemporaryError, match="rollback-waiting"):
            async with queue.turn(ACME, first=False):
                pytest.fail("went before the rollback")

    async with queue.turn(ACME, first=False):
        pass


async def test_a_rollback_does_not_wait_for_ever(queue: MergeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "PATIENCE", queues.ASKED_EVERY)

    async with queue.turn(ACME, first=False):
        with pytest.raises(TemporaryError, match="is taken by"):
            async with queue.turn(ACME, first=True):
                pytest.fail("two at once")

    async with queue.turn(ACME, first=False):
        pass


async def test_two_rollbacks_are_served_one_after_the_other(queue: MergeQueue) -> None:
    inside, most = 0, 0

    async def roll_back() -> None:
        nonlocal inside, most
        async with queue.turn(ACME, first=True):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(roll_back(), roll_back(), roll_back())

    assert (inside, most) == (0, 1)
