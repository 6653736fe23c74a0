"""Deliveries that arrive together share a commit, and nobody waits for company that does not come."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.errors import TemporaryError
from bot.journal.engine import InboxRow, Receipt
from bot.journal.inbox import BATCH, BATCH_BYTES, Batcher


class Recording:
    """A database that remembers the size of each commit, and fails while `error` is set."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.error: Exception | None = None

    async def put(self, rows: Sequence[InboxRow]) -> list[Receipt]:
        """Take the rows after one turn of the loop."""
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.commits.append(len(rows))
        return [Receipt(id=row.id, duplicate=False) for row in rows]


@pytest.fixture
def database() -> Recording:
    return Recording()


def a_row(name: str, size: int = 10) -> InboxRow:
    return InboxRow(name, "gitlab", name, 0, "{}", "instance", "", size, b"")


def a_batcher(database: Recording) -> Batcher:
    return Batcher(database, lambda: None)


async def test_lone_delivery_commits_alone(database: Recording) -> None:
    receipt = await a_batcher(database).add(a_row("a"))

    assert receipt == Receipt(id="a", duplicate=False)
    assert database.commits == [1]


async def test_deliveries_of_one_moment_share_a_commit(database: Recording) -> None:
    batcher = a_batcher(database)

    receipts = await asyncio.gather(*(batcher.add(a_row(name)) for name in "abc"))

    assert [receipt.id for receipt in receipts] == ["a", "b", "c"]
    assert database.commits == [3]


async def test_senders_that_answer_each_acknowledgement_stay_together(database: Recording) -> None:
    batcher = a_batcher(database)

    async def sender(name: str, pause: int) -> None:
        for turn in range(10):
            await batcher.add(a_row(f"{name}-{turn}"))
            for _ in range(pause):
                await asyncio.sleep(0)

    await asyncio.gather(*(sender(name, pause) for pause, name in enumerate("abcd")))

    assert database.commits == [4] * 10


async def test_lone_delivery_after_many_is_stored_without_company(database: Recording) -> None:
    batcher = a_batcher(database)
    await asyncio.gather(*(batcher.add(a_row(name)) for name in "abc"))

    for name in "de":
        await batcher.add(a_row(name))

    assert database.commits == [3, 1, 1]


async def test_large_bodies_are_spread_over_commits(database: Recording) -> None:
    batcher = a_batcher(database)
    sizes = [BATCH_BYTES + 1, 10, BATCH_BYTES - 10, 1]

    await asyncio.gather(*(batcher.add(a_row(f"row-{size}", size)) for size in sizes))

    assert database.commits == [1, 2, 1]


async def test_many_deliveries_are_spread_over_commits(database: Recording) -> None:
    batcher = a_batcher(database)

    await asyncio.gather(*(batcher.add(a_row(f"row-{number}")) for number in range(BATCH + 1)))

    assert database.commits == [BATCH, 1]


async def test_failed_commit_is_told_to_all_of_it_and_the_next_one_works(database: Recording) -> None:
    batcher = a_batcher(database)
    database.error = TemporaryError("the disk is full")
    failed = await asyncio.gather(*(batcher.add(a_row(name)) for name in "ab"), return_exceptions=True)
    database.error = None

    receipt = await batcher.add(a_row("c"))

    assert [str(error) for error in failed] == ["the disk is full"] * 2
    assert receipt.id == "c"


async def test_caller_that_gave_up_spoils_nothing_for_the_others(database: Recording) -> None:
    batcher = a_batcher(database)
    impatient, patient = batcher.add(a_row("a")), batcher.add(a_row("b"))

    impatient.cancel()

    assert (await patient).id == "b"
    assert database.commits == [2]


async def test_drain_returns_when_everything_is_answered(database: Recording) -> None:
    batcher = a_batcher(database)
    answers = [batcher.add(a_row(name)) for name in "abc"]

    await batcher.drain()

    assert all(answer.done() for answer in answers)
