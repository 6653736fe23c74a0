"""Work on both databases: one owner per key, nothing forgotten, late owners stopped by the fence."""

import asyncio
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

from bot.clock import FixedClock
from bot.errors import StaleError, TemporaryError
from bot.journal import Claim, Journal
from bot.journal.work import AGING
from bot.keys import ApplicationKey, ConfigKey, SourceKey

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

CONFIG = ConfigKey("acme")
SOURCE = SourceKey("east", "flux-system", "shop")
TICK = timedelta(seconds=1)


async def test_dirty_key_is_claimed_once(journal: Journal) -> None:
    last = await journal.dirty([SHOP], because="resync")

    claim = await take_one(journal)

    assert (claim.key, claim.from_seq, claim.to_seq, claim.because) == (SHOP, 0, last, "resync")
    assert await take(journal, "worker-2") == []


async def test_numbers_only_grow(journal: Journal) -> None:
    numbers = [await journal.dirty([SHOP, CART], because="resync") for _ in range(3)]

    assert numbers == [2, 4, 6]


async def test_finished_key_rests(journal: Journal) -> None:
    await journal.dirty([SHOP], because="resync")

    await journal.finish(await take_one(journal), wake_at=None, because="nothing to do")

    assert await take(journal) == []
    assert await journal.due_in() is None


async def test_key_dirtied_while_worked_on_is_due_again(journal: Journal) -> None:
    await journal.dirty([SHOP], because="first")
    first = await take_one(journal)
    await journal.dirty([SHOP], because="second")

    await journal.finish(first, wake_at=START + timedelta(hours=1), because="waits for approval")

    second = await take_one(journal)
    assert (second.from_seq, second.to_seq, second.because) == (1, 2, "second")


async def test_waiting_key_wakes_at_its_moment(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    await journal.finish(await take_one(journal), wake_at=START + timedelta(hours=1), because="soaks for an hour")
    assert await journal.due_in() == timedelta(hours=1)

    early = await take(journal)
    clock.at += timedelta(hours=1)

    woken = await take_one(journal)
    assert early == []
    assert (woken.from_seq, woken.to_seq, woken.because) == (1, 1, "soaks for an hour")


async def test_event_wakes_a_waiting_key_early(journal: Journal) -> None:
    await journal.dirty([SHOP], because="resync")
    await journal.finish(await take_one(journal), wake_at=START + timedelta(hours=1), because="soaks")

    await journal.dirty([SHOP], because="a merge request moved")

    assert (await take_one(journal)).because == "a merge request moved"


async def test_lease_that_ran_out_passes_the_key_on_and_fences_the_old_owner(
    journal: Journal, clock: FixedClock
) -> None:
    await journal.dirty([SHOP], because="resync")
    old = await take_one(journal, "worker-1")
    clock.at += LEASE

    new = await take_one(journal, "worker-2")

    assert new.fence > old.fence
    assert (new.from_seq, new.to_seq, new.attempts) == (old.from_seq, old.to_seq, 1)
    for late in (
        journal.finish(old, wake_at=None, because="done"),
        journal.renew(old, LEASE),
        journal.bury(old, reason="broken"),
        journal.intend(old, "note:1", "sha", "", TICK),
    ):
        with pytest.raises(StaleError):
            await late
    with pytest.raises(StaleError):
        await journal.retry(old, error=TemporaryError("GitLab is down"))
    await journal.finish(new, wake_at=None, because="done")


async def test_owner_whose_lease_nobody_took_may_still_finish(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    clock.at += 2 * LEASE

    await journal.finish(claim, wake_at=None, because="late, and alone")

    assert await take(journal) == []


async def test_renewed_lease_keeps_others_out(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    clock.at += LEASE - TICK

    renewed = await journal.renew(claim, LEASE)
    clock.at += TICK

    assert renewed.lease_until == START + 2 * LEASE - TICK
    assert await take(journal, "worker-2") == []


async def test_claim_given_back_twice_is_stale(journal: Journal) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    await journal.finish(claim, wake_at=None, because="done")

    with pytest.raises(StaleError):
        await journal.finish(claim, wake_at=None, because="done again")


async def test_failed_work_waits_for_its_back_off(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    due = await journal.retry(await take_one(journal), error=TemporaryError("GitLab is down"))
    assert due > clock.at

    early = await take(journal)
    clock.at = due

    again = await take_one(journal)
    assert early == []
    assert (again.attempts, again.from_seq, again.to_seq) == (1, 0, 1)


async def test_retry_honours_what_the_server_asked(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    asked = timedelta(minutes=10)

    due = await journal.retry(await take_one(journal), error=TemporaryError("429", retry_after=asked))
    await journal.dirty([SHOP], because="news")
    clock.at += asked - TICK
    early = await take(journal)
    clock.at += TICK

    assert due >= START + asked
    assert early == []
    assert (await take_one(journal)).because == "news"


async def test_news_shortens_a_back_off_to_the_floor(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    await journal.retry(await take_one(journal), error=TemporaryError("down"), wake_at=START + timedelta(minutes=5))
    await journal.dirty([SHOP], because="news")

    early = await take(journal)
    clock.at += TICK

    assert early == []
    assert (await take_one(journal)).because == "news"


async def test_news_during_the_failing_attempt_counts_too(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    await journal.dirty([SHOP], because="news")
    await journal.retry(claim, error=TemporaryError("down"), wake_at=START + timedelta(minutes=5))
    clock.at += TICK

    again = await take_one(journal)

    assert (again.from_seq, again.to_seq) == (0, 2)


async def test_finish_forgets_earlier_failures(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    clock.at = await journal.retry(await take_one(journal), error=TemporaryError("down"))
    await journal.finish(await take_one(journal), wake_at=None, because="done")

    await journal.dirty([SHOP], because="news")

    assert (await take_one(journal)).attempts == 0


async def test_buried_work_stays_dead_with_its_reason_and_causes(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)
    await journal.digest(lambda _: says("push", SHOP))

    await journal.bury(await take_one(journal), reason="the policy names no such environment")
    clock.at += timedelta(days=1)

    (dead,) = await journal.dead_work()
    assert (dead.key, dead.reason, dead.dead_at) == (SHOP, "the policy names no such environment", START)
    assert dead.causes == (delivery.id,)
    assert await take(journal) == []
    assert await journal.due_in() is None


async def test_dead_work_lives_again_when_dirtied(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    await journal.bury(await take_one(journal), reason="broken")

    await journal.dirty([SHOP], because="mended")
    clock.at += TICK

    claim = await take_one(journal)
    assert (claim.from_seq, claim.to_seq, claim.attempts) == (0, 2, 0)
    assert await journal.dead_work() == []


async def test_work_dirtied_while_it_is_buried_does_not_die(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    claim = await take_one(journal)
    await journal.dirty([SHOP], because="news")

    await journal.bury(claim, reason="broken")
    clock.at += TICK

    assert await journal.dead_work() == []
    assert (await take_one(journal)).because == "news"


async def test_redelivery_revives_dead_work(journal: Journal, clock: FixedClock) -> None:
    delivery = a_delivery(clock)
    await journal.put(delivery)
    await journal.digest(lambda _: says("push", SHOP))
    await journal.bury(await take_one(journal), reason="broken")

    await journal.redeliver(delivery.id)
    await journal.digest(lambda _: says("push", SHOP))
    clock.at += TICK

    assert delivery.id in (await take_one(journal)).causes


async def test_looks_come_before_decisions_and_urgent_work_before_both(journal: Journal) -> None:
    await journal.dirty([CART, CONFIG, SOURCE], because="resync")
    await journal.dirty([SHOP], because="its canary failed", urgent=True)

    claims = await take(journal)

    assert [claim.key for claim in claims] == [SHOP, CONFIG, SOURCE, CART]


async def test_work_that_waited_long_comes_before_younger_looks(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    clock.at += AGING + TICK
    await journal.dirty([CONFIG], because="resync")

    claims = await take(journal, limit=1)

    assert [claim.key for claim in claims] == [SHOP]


async def test_urgency_ends_with_the_work(journal: Journal) -> None:
    await journal.dirty([SHOP], because="its canary failed", urgent=True)
    await journal.finish(await take_one(journal), wake_at=None, because="rolled back")

    await journal.dirty([SHOP, CONFIG], because="resync")

    assert [claim.key for claim in await take(journal)] == [CONFIG, SHOP]


async def test_many_owners_at_once_share_the_keys(journal: Journal) -> None:
    keys = [ApplicationKey("acme", f"app-{number:02}") for number in range(40)]
    await journal.dirty(keys, because="resync")

    shares = await asyncio.gather(*(take(journal, f"worker-{number}", limit=10) for number in range(8)))

    claimed = [claim.key for share in shares for claim in share]
    rest = [claim.key for claim in await take(journal, "worker-9", limit=40)]
    assert sorted(claimed + rest) == keys


async def test_due_in_counts_what_just_arrived_and_what_a_dead_owner_holds(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([SHOP], because="resync")
    await take_one(journal)

    held = await journal.due_in()
    await journal.put(a_delivery(clock))

    assert held == LEASE
    assert await journal.due_in() == timedelta(0)


async def test_wait_is_woken_by_a_delivery_and_by_dirty_keys(journal: Journal, clock: FixedClock) -> None:
    await journal.wait(None)

    await journal.put(a_delivery(clock))
    by_delivery = await journal.wait(timedelta(seconds=10))
    await journal.dirty([SHOP], because="resync")
    by_work = await journal.wait(timedelta(seconds=10))

    assert (by_delivery, by_work) == (True, True)


async def test_claim_carries_the_causes_and_traces_of_what_it_covers(journal: Journal, clock: FixedClock) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = [a_delivery(clock, trace=trace), a_delivery(clock)]
    for delivery in sent:
        await journal.put(delivery)
    await journal.digest(lambda delivery: says(delivery.id, SHOP))

    claim = await take_one(journal)
    await journal.finish(claim, wake_at=None, because="done")
    await journal.dirty([SHOP], because="resync")
    later = await take_one(journal)

    assert (claim.causes, claim.traces) == (tuple(delivery.id for delivery in sent), (trace,))
    assert (later.causes, later.traces) == ((), ())


async def test_every_claim_has_a_fence_of_its_own(journal: Journal) -> None:
    claims: list[Claim] = []
    for _ in range(3):
        await journal.dirty([SHOP], because="resync")
        claims.append(await take_one(journal))
        await journal.finish(claims[-1], wake_at=None, because="done")

    assert [claim.fence for claim in claims] == [1, 2, 3]
