"""What Flagger says of a canary is kept once, in its order, however often and late it comes; on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from journal_cases import SHOP, START, a_delivery, clock, journal, journal_url, migrated_database, migrated_file

from bot.clock import FixedClock
from bot.events import CanaryReported, Delivery, Reading, Understood
from bot.journal import Journal
from bot.journal.canary_messages import KEPT, LONGEST
from bot.keys import Key
from bot.records import CanaryMessage

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

HALT = CanaryReported(
    cluster="east",
    hook="event",
    namespace="shop",
    name="web",
    phase="Progressing",
    checksum="5d8f",
    message="Halt web.shop advancement success 50.00 < 99",
    severity="Warning",
    said_at=START + timedelta(milliseconds=24),
)


def said(message: str, seconds: float, name: str = "web") -> CanaryReported:
    return replace(HALT, message=message, said_at=START + timedelta(seconds=seconds), name=name)


async def hear(journal: Journal, clock: FixedClock, *events: CanaryReported, key: Key | None = SHOP) -> None:
    """Each event in a delivery of its own, all digested at once."""
    meant = {}
    for event in events:
        delivery = a_delivery(clock, endpoint=f"flagger/{event.cluster}/{event.hook}")
        meant[delivery.id] = event
        await journal.put(delivery)

    def parse(delivery: Delivery) -> Reading:
        said = Understood(events=(meant[delivery.id],), semantic_key="the same")
        return Reading(parsed=said, keys=(key,) if key else ())

    await journal.digest(parse, limit=len(events))


async def test_what_flagger_said_reads_back(journal: Journal, clock: FixedClock) -> None:
    await hear(journal, clock, HALT)

    assert await journal.canary_messages("east", "shop/web") == (
        CanaryMessage(
            cluster="east",
            canary="shop/web",
            at=START + timedelta(milliseconds=24),
            phase="Progressing",
            type="Warning",
            message="Halt web.shop advancement success 50.00 < 99",
        ),
    )


async def test_sentences_are_told_oldest_first_and_of_one_canary(journal: Journal, clock: FixedClock) -> None:
    await hear(journal, clock, said("third", 3), said("first", 1), said("second", 2), said("else", 2, name="other"))

    assert [one.message for one in await journal.canary_messages("east", "shop/web")] == ["first", "second", "third"]
    assert await journal.canary_messages("west", "shop/web") == ()


async def test_a_sentence_that_is_heard_again_changes_nothing(journal: Journal, clock: FixedClock) -> None:
    await hear(journal, clock, said("one", 1), said("two", 2))
    before = await journal.canary_messages("east", "shop/web")

    await hear(journal, clock, said("two", 2), said("one", 1), said("one", 1))

    assert await journal.canary_messages("east", "shop/web") == before


async def test_a_sentence_said_again_is_dated_anew_and_never_back(journal: Journal, clock: FixedClock) -> None:
    await hear(journal, clock, said("gate is closed", 1), said("two", 2), said("gate is closed", 9))
    await hear(journal, clock, said("gate is closed", 4))

    found = await journal.canary_messages("east", "shop/web")

    assert [(one.message, one.at) for one in found] == [("two", later(2)), ("gate is closed", later(9))]


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_a_repetition_that_makes_no_work_is_heard_all_the_same(journal: Journal, clock: FixedClock) -> None:
    await hear(journal, clock, said("one", 1))
    await hear(journal, clock, said("two", 1))

    listed = await journal.deliveries()
    assert [one.duplicate_of is None for one in listed] == [False, True]
    assert {one.message for one in await journal.canary_messages("east", "shop/web")} == {"one", "two"}


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (replace(HALT, hook="rollout"), SHOP),
        (replace(HALT, message=""), SHOP),
        (replace(HALT, said_at=None), SHOP),
        (HALT, None),
    ],
    ids=["another hook", "no sentence", "no moment", "a canary no policy names"],
)
async def test_nothing_else_is_kept(
    journal: Journal, clock: FixedClock, event: CanaryReported, key: Key | None
) -> None:
    await hear(journal, clock, event, key=key)

    assert await journal.canary_messages("east", "shop/web") == ()


async def test_long_sentences_are_cut(journal: Journal, clock: FixedClock) -> None:
    await hear(journal, clock, said("\U0001f426" * 4000, 1))

    (found,) = await journal.canary_messages("east", "shop/web")
    assert found.message == "\U0001f426" * LONGEST


async def test_retention_keeps_the_newest_of_each_canary(
    journal: Journal, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.journal.retention.BATCH", 4)
    await hear(journal, clock, *(said(f"Advance {n}", n) for n in range(KEPT + 6)), said("quiet", 0, name="other"))

    gone = [await journal.retain(START) for _ in range(3)]

    found = [one.message for one in await journal.canary_messages("east", "shop/web")]
    assert [(one.canary_messages, one.more) for one in gone] == [(4, True), (2, False), (0, False)]
    assert found == [f"Advance {n}" for n in range(6, KEPT + 6)]
    assert len(await journal.canary_messages("east", "shop/other")) == 1
