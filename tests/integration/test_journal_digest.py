"""Digesting on both databases: each delivery becomes what its parser says, and repeats make no work."""

from datetime import timedelta

import pytest
from journal_cases import (
    CART,
    SHOP,
    START,
    a_delivery,
    clock,
    journal,
    journal_url,
    migrated_database,
    migrated_file,
    says,
    take,
    take_one,
)

from bot.clock import FixedClock
from bot.errors import PermanentError
from bot.events import Delivery, Parsed, Reading, Unheard, Unreadable
from bot.journal import Journal
from bot.journal.digesting import BATCH_BYTES, Parse
from bot.keys import Key

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]


def always(meaning: str, *keys: Key) -> Parse:
    return lambda _: says(meaning, *keys)


async def test_digested_delivery_is_done_and_names_its_keys(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)

    taken = await journal.digest(always("push", SHOP, CART))

    story = await journal.delivery(delivery.id)
    assert taken == 1
    assert (story.stored.phase, story.stored.semantic_key, story.keys) == ("done", "push", (CART, SHOP))
    assert await journal.digest(always("push", SHOP)) == 0


async def test_parser_sees_the_delivery_as_it_came(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock, endpoint="flux/east", headers={"gotk-component": "kustomize-controller"})
    await journal.put(delivery)
    seen: list[Delivery] = []

    def parse(given: Delivery) -> Reading:
        seen.append(given)
        return says("flux", SHOP)

    await journal.digest(parse)

    assert seen == [delivery]


async def test_unheard_and_unreadable_deliveries_keep_their_reason_and_dirty_nothing(
    journal: Journal, clock: FixedClock
) -> None:
    answers: dict[str, Parsed] = {}
    for parsed in (Unheard(kind="Wiki Page Hook"), Unreadable(reason="the body is no JSON")):
        delivery = a_delivery(clock)
        answers[delivery.id] = parsed
        await journal.put(delivery)

    await journal.digest(lambda delivery: Reading(parsed=answers[delivery.id]))

    listed = await journal.deliveries()
    assert [(one.phase, one.reason) for one in listed] == [
        ("unreadable", "the body is no JSON"),
        ("unheard", "Wiki Page Hook"),
    ]
    assert await take(journal) == []


async def test_parser_that_raises_kills_only_its_delivery(journal: Journal, clock: FixedClock) -> None:
    bad, good = a_delivery(clock), a_delivery(clock)
    for delivery in (bad, good):
        await journal.put(delivery)

    def parse(delivery: Delivery) -> Reading:
        if delivery.id == bad.id:
            raise ValueError("unexpected shape")
        return says("push", SHOP)

    await journal.digest(parse)

    assert await journal.counts() == {"dead": 1, "done": 1}
    assert "unexpected shape" in (await journal.delivery(bad.id)).stored.reason
    assert (await take_one(journal)).causes == (good.id,)


async def test_repetition_within_two_minutes_is_linked_and_makes_no_work(journal: Journal, clock: FixedClock) -> None:
    first = a_delivery(clock)
    await journal.put(first)
    await journal.digest(always("pipeline 7 success", SHOP))
    await journal.finish(await take_one(journal), wake_at=None, because="done")
    clock.at += timedelta(seconds=119)

    second = a_delivery(clock)
    await journal.put(second)
    await journal.digest(always("pipeline 7 success", SHOP))

    story = await journal.delivery(second.id)
    assert (story.stored.phase, story.stored.duplicate_of, story.keys) == ("done", first.id, ())
    assert (await journal.delivery(first.id)).duplicates == (second.id,)
    assert await take(journal) == []


async def test_repetition_is_linked_however_late_while_the_work_is_undone(journal: Journal, clock: FixedClock) -> None:
    first = a_delivery(clock)
    await journal.put(first)
    await journal.digest(always("pipeline 7 success", SHOP))
    clock.at += timedelta(hours=1)

    second = a_delivery(clock)
    await journal.put(second)
    await journal.digest(always("pipeline 7 success", SHOP))

    assert (await journal.delivery(second.id)).stored.duplicate_of == first.id


async def test_repetition_after_two_minutes_and_done_work_counts(journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock))
    await journal.digest(always("pipeline 7 success", SHOP))
    await journal.finish(await take_one(journal), wake_at=None, because="done")
    clock.at += timedelta(minutes=2)

    second = a_delivery(clock)
    await journal.put(second)
    await journal.digest(always("pipeline 7 success", SHOP))

    assert (await take_one(journal)).causes == (second.id,)


async def test_repetition_of_buried_work_counts(journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock))
    await journal.digest(always("pipeline 7 success", SHOP))
    await journal.bury(await take_one(journal), reason="broken")
    clock.at += timedelta(minutes=2)

    second = a_delivery(clock)
    await journal.put(second)
    await journal.digest(always("pipeline 7 success", SHOP))

    assert second.id in (await take_one(journal)).causes


async def test_redelivered_delivery_counts_although_it_repeats_itself(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)
    await journal.digest(always("push", SHOP))
    await journal.finish(await take_one(journal), wake_at=None, because="done")

    await journal.redeliver(delivery.id)
    await journal.digest(always("push", SHOP))

    story = await journal.delivery(delivery.id)
    assert (story.stored.attempts, story.stored.phase, story.stored.duplicate_of) == (1, "done", None)
    assert (await take_one(journal)).causes == (delivery.id,)


async def test_redelivering_what_is_unknown_is_refused(journal: Journal) -> None:
    with pytest.raises(PermanentError, match="no delivery"):
        await journal.redeliver("unknown")


async def test_listing_filters_by_phase_and_endpoint(journal: Journal, clock: FixedClock) -> None:
    for endpoint in ("gitlab", "flux/east", "flux/east"):
        await journal.put(a_delivery(clock, endpoint=endpoint))
    await journal.digest(always("push", SHOP), limit=2)

    waiting = await journal.deliveries(phase="received")
    east = await journal.deliveries(endpoint="flux/east")

    assert [one.endpoint for one in waiting] == ["flux/east"]
    assert len(east) == 2
    assert len(await journal.deliveries(limit=1)) == 1


async def test_large_deliveries_are_parsed_a_few_at_a_time(journal: Journal, clock: FixedClock) -> None:
    for _ in range(3):
        await journal.put(a_delivery(clock, body=bytes(BATCH_BYTES // 2 + 1)))

    taken = [await journal.digest(lambda delivery: says(delivery.id, SHOP)) for _ in range(4)]

    assert taken == [1, 1, 1, 0]


async def test_delivery_received_at_is_kept_to_the_microsecond(journal: Journal, clock: FixedClock) -> None:
    clock.at = START + timedelta(microseconds=123_457)
    delivery = a_delivery(clock)

    await journal.put(delivery)

    assert (await journal.deliveries())[0].received_at == clock.at
