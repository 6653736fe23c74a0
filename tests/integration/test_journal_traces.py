"""A trace goes on across the queue: work knows the traces of what made it dirty, a promotion the one it began in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from journal_cases import (
    CART,
    SHOP,
    a_delivery,
    clock,
    journal,
    journal_url,
    migrated_database,
    migrated_file,
    says,
    take_one,
)
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan

from bot.actions import LookAgain, RecordPromotion
from bot.clock import FixedClock
from bot.errors import TemporaryError
from bot.journal import Claim, Journal
from bot.journal.dirtying import MOST_TRACES
from bot.keys import EnvironmentKey
from bot.records import Promotion
from bot.releases import Image, Release
from bot.tracing.carried import context_of

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

PRODUCTION = EnvironmentKey("acme", "shop", "production")


def a_trace(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


@contextmanager
def within(text: str) -> Iterator[None]:
    context = context_of(text)
    assert context is not None
    with trace.use_span(NonRecordingSpan(context)):
        yield


async def record(journal: Journal, claim: Claim, *records: LookAgain | RecordPromotion) -> int:
    return await journal.record_run(
        claim,
        handler="promotion",
        subject=PRODUCTION,
        facts=b"{}",
        policy=b"{}",
        now=claim.lease_until,
        decision=b"{}",
        outcome="nothing",
        because="because",
        records=records,
    )


async def test_work_continues_the_trace_of_the_run_that_asked_for_it(journal: Journal) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)

    with within(a_trace(7)):
        run = await record(journal, claim, LookAgain(keys=(CART,), because="its source changed"))
    await journal.finish(claim, wake_at=None, because="done")
    asked = await take_one(journal)

    assert (claim.traces, asked.traces) == ((), (a_trace(7),))
    assert (await journal.run(run)).trace == a_trace(7)


async def test_work_knows_who_asked_for_it_before_deliveries_and_each_trace_once(
    journal: Journal, clock: FixedClock
) -> None:
    for number in (7, 8, 7):
        with within(a_trace(number)):
            await journal.dirty([SHOP], because="asked")
    await journal.put(a_delivery(clock, trace=a_trace(9)))
    await journal.digest(lambda delivery: says(delivery.id, SHOP))

    claim = await take_one(journal)

    assert claim.traces == (a_trace(7), a_trace(8), a_trace(9))


async def test_a_trace_is_forgotten_with_the_work_it_caused_and_what_came_meanwhile_stays(journal: Journal) -> None:
    with within(a_trace(7)):
        await journal.dirty([SHOP], because="asked")
    first = await take_one(journal)
    with within(a_trace(8)):
        await journal.dirty([SHOP], because="asked again meanwhile")

    await journal.finish(first, wake_at=None, because="done")
    second = await take_one(journal)
    await journal.finish(second, wake_at=None, because="done")
    await journal.dirty([SHOP], because="resync")
    third = await take_one(journal)

    assert [claim.traces for claim in (first, second, third)] == [(a_trace(7),), (a_trace(8),), ()]


async def test_work_that_is_tried_again_continues_the_same_trace(journal: Journal, clock: FixedClock) -> None:
    with within(a_trace(7)):
        await journal.dirty([SHOP], because="asked")
    first = await take_one(journal)

    clock.at = await journal.retry(first, error=TemporaryError("GitLab is away"))
    second = await take_one(journal)

    assert second.traces == (a_trace(7),)


async def test_the_traces_of_work_that_waits_are_bounded_and_the_first_is_kept(journal: Journal) -> None:
    for number in range(1, 101):
        with within(a_trace(number)):
            await journal.dirty([SHOP], because="asked")

    claim = await take_one(journal)

    assert claim.traces[0] == a_trace(1)
    assert MOST_TRACES < len(" ".join(claim.traces)) <= MOST_TRACES + len(a_trace(1)) + 1


async def test_a_request_of_a_person_is_continued(journal: Journal) -> None:
    with within(a_trace(7)):
        await journal.hold(PRODUCTION, "developer", "a fair", None)

    assert (await take_one(journal)).traces == (a_trace(7),)


async def test_a_delivery_sent_through_again_belongs_to_the_request_that_said_so(
    journal: Journal, clock: FixedClock
) -> None:
    delivery = a_delivery(clock, trace=a_trace(9))
    await journal.put(delivery)
    await journal.digest(lambda delivery: says(delivery.id, SHOP))
    await journal.finish(await take_one(journal), wake_at=None, because="done")

    with within(a_trace(7)):
        await journal.redeliver(delivery.id)
    await journal.digest(lambda delivery: says(delivery.id, SHOP))

    assert (await take_one(journal)).traces == (a_trace(7),)


async def test_a_promotion_keeps_the_trace_it_began_in(journal: Journal, clock: FixedClock) -> None:
    image = Image(name="registry.example.com/shop", digest="sha256:" + "a" * 64, tag="1.2.3")
    release = Release(application="shop", images=(image,), version="1.2.3", commit="c" * 40)
    promotion = Promotion(
        id="p1",
        key=PRODUCTION,
        release=release,
        state="waiting",
        because="approval",
        opened_at=clock.now(),
        updated_at=clock.now(),
    )
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)

    for number, state in ((7, promotion), (8, replace(promotion, state="ready", merge_request=4))):
        with within(a_trace(number)):
            await journal.keep(claim, [RecordPromotion(promotion=state)])

    (mark,) = await journal.promotion_marks(PRODUCTION)
    assert (mark.id, mark.release, mark.commit, mark.merge_request, mark.trace) == (
        "p1",
        "1.2.3",
        "c" * 40,
        4,
        a_trace(7),
    )
    assert await journal.promotion_marks(replace(PRODUCTION, environment="staging")) == ()
