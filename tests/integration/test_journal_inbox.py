"""The inbox on both databases: durable when it returns, grouped, and each delivery once."""

import asyncio
from datetime import timedelta

import pytest
from journal_cases import SHOP, a_delivery, clock, journal, journal_url, migrated_database, migrated_file, says

from bot.clock import FixedClock
from bot.journal import Journal
from bot.journal.retention import DELIVERIES_KEPT

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]


async def test_stored_delivery_reads_back_as_it_came(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock, trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", scope="group:acme")

    receipt = await journal.put(delivery)

    story = await journal.delivery(receipt.id)
    assert story.delivery == delivery
    assert story.stored.phase == "received"
    assert not receipt.duplicate


async def test_body_of_25_megabytes_is_kept_whole(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock, body=bytes(25 * 1024 * 1024))

    await journal.put(delivery)

    assert (await journal.delivery(delivery.id)).delivery == delivery


async def test_deliveries_arriving_together_share_commits(journal: Journal, clock: FixedClock) -> None:
    batches: list[int] = []
    store = journal._engine.put
    journal._engine.put = lambda rows: (batches.append(len(rows)), store(rows))[1]  # type: ignore[method-assign,func-returns-value]

    await asyncio.gather(*(journal.put(a_delivery(clock)) for _ in range(64)))

    assert sum(batches) == 64
    assert len(batches) <= 2


async def test_same_key_is_answered_with_the_first_delivery(journal: Journal, clock: FixedClock) -> None:
    first, again = (a_delivery(clock, idempotency_key="same") for _ in range(2))
    await journal.put(first)

    receipt = await journal.put(again)

    assert (receipt.id, receipt.duplicate) == (first.id, True)
    assert await journal.counts() == {"received": 1}


async def test_same_key_within_one_batch_is_stored_once(journal: Journal, clock: FixedClock) -> None:
    twins = [a_delivery(clock, idempotency_key="same") for _ in range(3)]
    others = [a_delivery(clock) for _ in range(5)]

    receipts = await asyncio.gather(*(journal.put(delivery) for delivery in [*twins, *others]))

    assert [receipt.duplicate for receipt in receipts] == [False, True, True] + [False] * 5
    assert {receipt.id for receipt in receipts[:3]} == {twins[0].id}


async def test_same_key_at_another_endpoint_is_another_delivery(journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock, idempotency_key="same", endpoint="flux/east"))

    receipt = await journal.put(a_delivery(clock, idempotency_key="same", endpoint="flux/west"))

    assert not receipt.duplicate


@pytest.mark.parametrize(("later", "duplicate"), [(timedelta(days=6, hours=23), True), (timedelta(days=7), False)])
async def test_key_stands_for_seven_days(
    journal: Journal, clock: FixedClock, later: timedelta, duplicate: bool
) -> None:
    await journal.put(a_delivery(clock, idempotency_key="same"))
    clock.at += later

    receipt = await journal.put(a_delivery(clock, idempotency_key="same"))

    assert receipt.duplicate is duplicate


async def test_batch_sent_again_after_a_lost_answer_is_no_duplicate(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)

    receipt = await journal.put(delivery)

    assert (receipt.id, receipt.duplicate) == (delivery.id, False)
    assert await journal.counts() == {"received": 1}


async def test_deliveries_are_digested_in_order_of_arrival(journal: Journal, clock: FixedClock) -> None:
    sent = [a_delivery(clock) for _ in range(40)]
    await asyncio.gather(*(journal.put(delivery) for delivery in sent))
    parsed: list[str] = []

    await journal.digest(lambda delivery: (parsed.append(delivery.id), says(delivery.id, SHOP))[1])  # type: ignore[func-returns-value]

    assert parsed == [delivery.id for delivery in sent]


async def test_retention_of_a_week_covers_the_idempotency_key() -> None:
    assert timedelta(days=7) <= DELIVERIES_KEPT
