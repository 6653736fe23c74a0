"""Retention on both databases: what is still needed stays, what is old goes, and hashes are for ever."""

from datetime import datetime, timedelta

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
    take_one,
)

from bot.clock import FixedClock
from bot.errors import PermanentError
from bot.events import Delivery, Parsed, Reading, Unheard, Unreadable
from bot.journal import Journal

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

WEEK = START + timedelta(days=7, microseconds=1)
MONTH = START + timedelta(days=30, microseconds=1)
YEARS = START + timedelta(days=400, microseconds=1)


def broken(_: Delivery) -> Reading:
    raise ValueError("unexpected shape")


async def record(journal: Journal, *, facts: bytes, now: datetime = START) -> int:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    run = await journal.record_run(
        claim,
        handler="promotion",
        subject=SHOP,
        facts=facts,
        policy=b"policy",
        now=now,
        decision=b"{}",
        outcome="skip",
        because="nothing newer",
    )
    await journal.finish(claim, wake_at=None, because="done")
    return run


async def test_processed_delivery_goes_after_a_week_with_its_body(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)
    await journal.digest(lambda _: says("push", SHOP))
    await journal.finish(await take_one(journal), wake_at=None, because="done")

    kept = await journal.retain(START + timedelta(days=7))
    gone = await journal.retain(WEEK)

    assert (kept.deliveries, gone.deliveries, gone.more) == (0, 1, False)
    with pytest.raises(PermanentError, match="no delivery"):
        await journal.delivery(delivery.id)
    assert await journal.counts() == {}


@pytest.mark.parametrize("parsed", [Unheard(kind="Wiki Page Hook"), Unreadable(reason="no JSON")])
async def test_delivery_nobody_acts_on_goes_after_a_week(journal: Journal, clock: FixedClock, parsed: Parsed) -> None:
    await journal.put(a_delivery(clock))
    await journal.digest(lambda _: Reading(parsed=parsed))

    assert (await journal.retain(WEEK)).deliveries == 1


async def test_delivery_not_yet_parsed_is_never_dropped(journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock))

    assert (await journal.retain(YEARS)).deliveries == 0


async def test_dead_delivery_is_kept_for_a_month(journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock))
    await journal.digest(broken)

    assert [(await journal.retain(now)).deliveries for now in (WEEK, MONTH)] == [0, 1]


async def test_delivery_whose_work_is_dead_is_kept_for_a_month(journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock))
    await journal.digest(lambda _: says("push", SHOP))
    await journal.bury(await take_one(journal), reason="broken")

    assert [(await journal.retain(now)).deliveries for now in (WEEK, MONTH)] == [0, 1]


async def test_run_outlives_the_deliveries_that_caused_it(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)
    await journal.digest(lambda _: says("push", SHOP))
    run = await record(journal, facts=b"facts")

    await journal.retain(WEEK)

    assert (await journal.run(run)).causes == (delivery.id,)


async def test_run_goes_after_400_days_with_the_documents_nobody_else_uses(journal: Journal) -> None:
    old = await record(journal, facts=b"old facts")
    await record(journal, facts=b"new facts", now=YEARS)
    old_facts = (await journal.run(old)).facts_sha

    gone = await journal.retain(YEARS)

    assert (gone.runs, gone.documents) == (1, 1)
    with pytest.raises(PermanentError):
        await journal.document(old_facts)
    (left,) = await journal.runs(key=SHOP)
    assert await journal.document(left.policy_sha) == b"policy"


async def test_payloads_of_sealed_audit_rows_go_and_the_chain_still_holds(journal: Journal) -> None:
    await journal.audit(str(SHOP), "approval", b"{}")
    await journal.seal_audit()
    await journal.audit(str(SHOP), "approval", b"{}")

    gone = await journal.retain(YEARS)

    report = await journal.verify_audit()
    assert gone.payloads == 1
    assert (report.rows, report.broken_at, report.unsealed) == (1, None, 1)


async def test_done_effects_go_and_open_intents_stay(journal: Journal) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    for key in ("note:done", "note:open"):
        await journal.intend(claim, key, "sha", "", timedelta(seconds=1))
    await journal.effected(claim, "note:done", "1")

    assert (await journal.retain(YEARS)).effects == 1
    assert [intent.key for intent in await journal.open_intents(SHOP)] == ["note:open"]


async def test_retention_is_bounded_and_says_when_there_is_more(
    journal: Journal, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.journal.retention.BATCH", 2)
    for _ in range(3):
        await journal.put(a_delivery(clock))
    await journal.digest(lambda delivery: says(delivery.id, CART))
    await journal.finish(await take_one(journal), wake_at=None, because="done")

    calls = [await journal.retain(WEEK) for _ in range(2)]

    assert [(call.deliveries, call.more) for call in calls] == [(2, True), (1, False)]
