"""Outside writes on both databases: intended under a fence, remembered when done, and visible when a crash hid them."""

from datetime import timedelta

import pytest
from journal_cases import (
    CART,
    LEASE,
    SHOP,
    START,
    clock,
    journal,
    journal_url,
    migrated_database,
    migrated_file,
    take_one,
)

from bot.clock import FixedClock
from bot.errors import StaleError, TemporaryError
from bot.journal import Claim, Journal

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

NOTE = "note:acme:7:promotion"
QUICK = timedelta(seconds=10)


@pytest.fixture
async def claim(journal: Journal) -> Claim:
    """The right to work on SHOP for half a minute."""
    await journal.dirty([SHOP], because="resync")
    return await take_one(journal)


async def test_intended_write_is_open_until_it_is_done(journal: Journal, claim: Claim) -> None:
    await journal.intend(claim, NOTE, "sha-1", "absent", QUICK)
    (open_intent,) = await journal.open_intents(SHOP)
    unknown = await journal.written(NOTE)

    await journal.effected(claim, NOTE, "4711")

    assert (open_intent.key, open_intent.expect, open_intent.fence) == (NOTE, "absent", claim.fence)
    assert unknown == ""
    assert await journal.open_intents(SHOP) == []
    assert await journal.written(NOTE) == "sha-1"


async def test_crash_between_intent_and_effect_shows_to_the_next_owner(
    journal: Journal, clock: FixedClock, claim: Claim
) -> None:
    await journal.intend(claim, NOTE, "sha-1", "absent", QUICK)
    clock.at += LEASE

    next_claim = await take_one(journal, "worker-2")
    (left_open,) = await journal.open_intents(next_claim.key)

    assert (left_open.key, left_open.fence, left_open.done_at) == (NOTE, claim.fence, None)


async def test_intent_needs_a_lease_that_outlasts_the_deadline(
    journal: Journal, clock: FixedClock, claim: Claim
) -> None:
    clock.at += LEASE - QUICK

    with pytest.raises(StaleError, match="ends at"):
        await journal.intend(claim, NOTE, "sha-1", "", QUICK)

    assert await journal.open_intents(SHOP) == []


async def test_renewed_claim_may_intend_again(journal: Journal, clock: FixedClock, claim: Claim) -> None:
    clock.at += LEASE - QUICK

    await journal.intend(await journal.renew(claim, LEASE), NOTE, "sha-1", "", QUICK)

    assert len(await journal.open_intents(SHOP)) == 1


async def test_given_back_claim_intends_nothing(journal: Journal, claim: Claim) -> None:
    await journal.finish(claim, wake_at=None, because="done")

    with pytest.raises(StaleError):
        await journal.intend(claim, NOTE, "sha-1", "", QUICK)


async def test_write_that_did_happen_is_recorded_although_the_lease_ran_out(
    journal: Journal, clock: FixedClock, claim: Claim
) -> None:
    await journal.intend(claim, NOTE, "sha-1", "", QUICK)
    clock.at += LEASE
    await take_one(journal, "worker-2")

    await journal.effected(claim, NOTE, "4711")

    assert await journal.written(NOTE) == "sha-1"


async def test_late_report_does_not_close_a_newer_intent(journal: Journal, clock: FixedClock, claim: Claim) -> None:
    await journal.intend(claim, NOTE, "sha-1", "", QUICK)
    clock.at += LEASE
    newer = await take_one(journal, "worker-2")
    await journal.intend(newer, NOTE, "sha-2", "", QUICK)

    with pytest.raises(StaleError):
        await journal.effected(claim, NOTE, "4711")

    assert [intent.desired_sha for intent in await journal.open_intents(SHOP)] == ["sha-2"]


async def test_second_write_keeps_the_known_external_id(journal: Journal, claim: Claim) -> None:
    await journal.intend(claim, NOTE, "sha-1", "absent", QUICK)
    await journal.effected(claim, NOTE, "4711")

    await journal.intend(claim, NOTE, "sha-2", "sha-1", QUICK)
    await journal.effected(claim, NOTE, None)

    effect = await journal.effect(NOTE)
    assert effect is not None
    assert (effect.external_id, effect.desired_sha, effect.intent_at, effect.done_at) == ("4711", "sha-2", START, START)


async def test_open_intents_are_those_of_the_key(journal: Journal, claim: Claim) -> None:
    await journal.intend(claim, NOTE, "sha-1", "", QUICK)

    assert await journal.open_intents(CART) == []
    assert await journal.effect("note:unknown") is None
    assert await journal.written("note:unknown") == ""


async def test_section_holds_one_at_a_time(journal: Journal) -> None:
    async with journal.exclusive("merge:acme/main", "worker-1", LEASE) as section:
        with pytest.raises(TemporaryError, match="worker-1"):
            async with journal.exclusive("merge:acme/main", "worker-2", LEASE):
                pytest.fail("two were inside")
        async with journal.exclusive("merge:other/main", "worker-2", LEASE) as other:
            assert other.name == "merge:other/main"

    async with journal.exclusive("merge:acme/main", "worker-2", LEASE) as later:
        assert later.fence == section.fence + 1


async def test_section_is_free_after_an_error_inside(journal: Journal) -> None:
    with pytest.raises(ValueError, match="inside"):
        async with journal.exclusive("merge:acme/main", "worker-1", LEASE):
            raise ValueError("inside")

    async with journal.exclusive("merge:acme/main", "worker-2", LEASE) as section:
        assert section.owner == "worker-2"


async def test_section_of_a_vanished_owner_is_taken_after_its_lease(journal: Journal, clock: FixedClock) -> None:
    async def stay_too_long() -> None:
        async with journal.exclusive("merge:acme/main", "worker-1", LEASE):
            clock.at += LEASE
            async with journal.exclusive("merge:acme/main", "worker-2", LEASE):
                assert clock.at == START + LEASE

    with pytest.raises(StaleError, match="longer than its lease"):
        await stay_too_long()
