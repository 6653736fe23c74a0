"""Runs on both databases: all a decision was made from is kept, once, and can be read back byte for byte."""

from datetime import timedelta

import pytest
from journal_cases import (
    CART,
    LEASE,
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

from bot.actions import LookAgain, RecordBaseline
from bot.clock import FixedClock
from bot.errors import PermanentError, StaleError
from bot.journal import Claim, Journal
from bot.keys import EnvironmentKey

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

STAGING = EnvironmentKey("acme", "shop", "staging")
FACTS = b'{"running":"1.2.3"}'
POLICY = b'{"environments":["dev","staging"]}'
DECISION = b'{"because":"nothing newer","kind":"skip"}'


async def claimed(journal: Journal) -> Claim:
    await journal.dirty([SHOP], because="resync")
    return await take_one(journal)


async def record(
    journal: Journal,
    claim: Claim,
    *,
    facts: bytes = FACTS,
    policy: bytes | str = POLICY,
    decision: bytes = DECISION,
    outcome: str = "skip",
    effects: tuple[str, ...] = (),
) -> int:
    return await journal.record_run(
        claim,
        handler="promotion",
        subject=STAGING,
        facts=facts,
        policy=policy,
        now=journal._clock.now(),
        decision=decision,
        outcome=outcome,
        because="nothing newer",
        effects=effects,
    )


async def test_run_keeps_all_it_was_made_from(journal: Journal, clock: FixedClock) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    delivery = a_delivery(clock, trace=trace)
    await journal.put(delivery)
    await journal.digest(lambda _: says("push", SHOP))
    claim = await take_one(journal)

    run = await journal.run(await record(journal, claim, effects=("note:1",)))

    assert (run.key, run.handler, run.subject) == (SHOP, "promotion", str(STAGING))
    assert (run.from_seq, run.to_seq, run.fence) == (0, 1, claim.fence)
    assert (run.decided_at, run.last_at, run.repeats) == (START, START, 1)
    assert (run.decision, run.outcome, run.because) == (DECISION, "skip", "nothing newer")
    assert (run.effects, run.trace, run.causes) == (("note:1",), trace, (delivery.id,))
    assert await journal.document(run.facts_sha) == FACTS
    assert await journal.document(run.policy_sha) == POLICY


async def test_equal_run_is_counted_and_adds_no_row(journal: Journal, clock: FixedClock) -> None:
    first = await record(journal, await claimed(journal))
    clock.at += LEASE

    second = await record(journal, await take_one(journal))

    run = await journal.run(first)
    assert second == first
    assert (run.repeats, run.decided_at, run.last_at) == (2, START, START + LEASE)
    assert len(await journal.runs(key=SHOP)) == 1


async def test_any_news_makes_a_run_of_its_own(journal: Journal) -> None:
    claim = await claimed(journal)

    runs = [
        await record(journal, claim),
        await record(journal, claim, facts=b'{"running":"1.2.4"}'),
        await record(journal, claim, policy=b"{}"),
        await record(journal, claim, decision=b"{}"),
        await record(journal, claim, outcome="stale"),
        await record(journal, claim, effects=("note:1",)),
    ]

    assert len(set(runs)) == len(runs)


async def test_what_comes_back_after_news_is_a_new_run(journal: Journal) -> None:
    claim = await claimed(journal)

    runs = [await record(journal, claim, outcome=outcome) for outcome in ("skip", "stale", "skip")]

    assert len(set(runs)) == 3


async def test_run_that_wrote_something_is_never_folded(journal: Journal) -> None:
    claim = await claimed(journal)

    runs = [await record(journal, claim, effects=("note:1",)) for _ in range(2)]

    assert len(set(runs)) == 2


async def test_repeats_add_their_causes_to_the_run(journal: Journal, clock: FixedClock) -> None:
    sent = [a_delivery(clock), a_delivery(clock)]
    runs = set()
    for delivery in sent:
        await journal.put(delivery)
        await journal.digest(lambda given: says(given.id, SHOP))
        claim = await take_one(journal)
        runs.add(await record(journal, claim))
        await journal.finish(claim, wake_at=None, because="done")

    (run,) = runs
    assert set((await journal.run(run)).causes) == {delivery.id for delivery in sent}
    assert (await journal.delivery(sent[1].id)).runs == (run,)


async def test_policy_may_be_named_by_its_hash(journal: Journal) -> None:
    sha = await journal.store_document(POLICY)

    run = await record(journal, await claimed(journal), policy=sha)

    assert (await journal.run(run)).policy_sha == sha


async def test_runs_are_listed_newest_first_by_key_subject_and_handler(journal: Journal) -> None:
    claim = await claimed(journal)
    runs = [await record(journal, claim, outcome=outcome) for outcome in ("skip", "act")]

    assert [run.id for run in await journal.runs(key=SHOP)] == runs[::-1]
    assert [run.id for run in await journal.runs(subject=STAGING, limit=1)] == runs[1:]
    assert await journal.runs(handler="statuses") == []
    assert await journal.runs(key=CART) == []


async def test_unknown_runs_and_documents_are_refused(journal: Journal) -> None:
    with pytest.raises(PermanentError, match="no run 7"):
        await journal.run(7)
    with pytest.raises(PermanentError, match="no document"):
        await journal.document("0" * 64)


async def test_records_of_a_run_are_kept_with_it(journal: Journal) -> None:
    claim = await claimed(journal)
    records = (RecordBaseline(key=SHOP), LookAgain(keys=(CART,), because="its images changed"))

    await journal.record_run(
        claim,
        handler="releases",
        subject=SHOP,
        facts=FACTS,
        policy=POLICY,
        now=START,
        decision=DECISION,
        outcome="act",
        because="first sight",
        records=records,
    )

    (look,) = await take(journal)
    assert await journal.baseline(SHOP) == START
    assert (look.key, look.because) == (CART, "its images changed")


async def test_run_of_a_lost_claim_is_history_but_its_records_are_not(journal: Journal, clock: FixedClock) -> None:
    old = await claimed(journal)
    clock.at += timedelta(minutes=5)
    await take_one(journal, "worker-2")

    with pytest.raises(StaleError):
        await journal.record_run(
            old,
            handler="releases",
            subject=SHOP,
            facts=FACTS,
            policy=POLICY,
            now=clock.at,
            decision=DECISION,
            outcome="act",
            because="first sight",
            effects=("note:1",),
            records=(RecordBaseline(key=SHOP),),
        )

    (run,) = await journal.runs(key=SHOP)
    assert (run.fence, run.effects) == (old.fence, ("note:1",))
    assert await journal.baseline(SHOP) is None


async def test_records_may_be_kept_before_their_run_ends(journal: Journal) -> None:
    await journal.keep(await claimed(journal), [RecordBaseline(key=SHOP)])

    assert await journal.baseline(SHOP) == START


async def test_records_of_a_lost_claim_are_not_kept(journal: Journal, clock: FixedClock) -> None:
    old = await claimed(journal)
    clock.at += timedelta(minutes=5)
    await take_one(journal, "worker-2")

    with pytest.raises(StaleError):
        await journal.keep(old, [RecordBaseline(key=SHOP)])

    assert await journal.baseline(SHOP) is None


async def test_new_runs_enter_the_audit_trail_and_repeats_do_not(journal: Journal) -> None:
    claim = await claimed(journal)
    for _ in range(3):
        await record(journal, claim)

    assert await journal.seal_audit() == 1
