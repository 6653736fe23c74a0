"""What people asked for and hold, how promotions failed and what Flagger is answered, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from journal_cases import CART, SHOP, START, clock, journal, journal_url, migrated_database, migrated_file, take_one
from sqlalchemy import select

from bot.actions import RecordCanaryGates, RecordPromotion, SettleRequest
from bot.clock import FixedClock
from bot.errors import StaleError
from bot.journal import Journal
from bot.journal.commands import Order
from bot.journal.schema import audit
from bot.keys import EnvironmentKey
from bot.observing import FailureMark
from bot.records import CanaryGate, Failure, Hold, Promotion, Request
from bot.releases import Image, Release

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

PRODUCTION = EnvironmentKey("acme", "shop", "production")
STAGING = EnvironmentKey("acme", "shop", "staging")
ROLLBACK = Order(
    kind="rollback",
    principal="maintainer",
    door="api",
    text="rollback shop production 1.2.3 --deny",
    bound_to=str(PRODUCTION),
    key=PRODUCTION,
    arguments={"reason": "orders are lost", "version": "1.2.3", "deny": True},
)
FAILURE = Failure(
    kind="measured", cause="canary", evidence="canary east/shop/shop 5d8f", because="success rate 50 < 99", at=START
)
RELEASE = Release(application="shop", images=(Image(name="registry.example/shop", digest="sha256:" + "a" * 64),))
PROMOTION = Promotion(
    id="p1",
    key=PRODUCTION,
    release=RELEASE,
    state="failed",
    because="the canary failed",
    opened_at=START,
    updated_at=START,
    failure=FAILURE,
    asked_again_at=START + timedelta(hours=1),
)
ROLLOUT = CanaryGate(
    cluster="east",
    canary="shop/shop",
    gate="confirm-rollout",
    images=("registry.example/shop:1.2.3",),
    open=True,
    because="it carries what Git declares",
)
UNDO = replace(ROLLOUT, gate="rollback", open=False, because="nobody asked for it")


async def settle(journal: Journal, request: Request, because: str = "1.2.2 is declared again") -> None:
    await journal.dirty([SHOP], because="look")
    claim = await take_one(journal)
    await journal.keep(claim, [SettleRequest(request=request, outcome="done", because=because)])
    await journal.finish(claim, wake_at=None, because="done")


async def record_gates(journal: Journal, *gates: CanaryGate) -> None:
    await journal.dirty([SHOP], because="look")
    claim = await take_one(journal)
    await journal.keep(claim, [RecordCanaryGates(key=PRODUCTION, gates=gates)])
    await journal.finish(claim, wake_at=None, because="done")


async def test_request_waits_in_its_environment_and_wakes_the_application(journal: Journal) -> None:
    number = await journal.ask(ROLLBACK, "the next look decides")

    (request,) = await journal.requests(PRODUCTION)
    claim = await take_one(journal)
    assert request == Request(
        id=number,
        key=PRODUCTION,
        kind="rollback",
        principal="maintainer",
        because="orders are lost",
        at=START,
        version="1.2.3",
        deny=True,
    )
    assert await journal.requests(STAGING) == ()
    assert (claim.key, claim.because) == (SHOP, "maintainer asked for rollback of production")


async def test_requests_are_told_oldest_first(journal: Journal, clock: FixedClock) -> None:
    first = await journal.ask(ROLLBACK, "")
    clock.at += timedelta(seconds=1)
    second = await journal.ask(replace(ROLLBACK, kind="allow"), "")

    requests = await journal.requests(PRODUCTION)

    assert [(request.id, request.kind) for request in requests] == [(first, "rollback"), (second, "allow")]


async def test_request_is_looked_at_before_other_applications(journal: Journal, clock: FixedClock) -> None:
    await journal.dirty([CART], because="a pipeline ended")
    clock.at += timedelta(seconds=5)
    await journal.ask(ROLLBACK, "")

    (claim,) = await journal.claim("worker-1", lease=timedelta(seconds=30), limit=1)

    assert claim.key == SHOP


async def test_settled_request_keeps_its_first_answer(journal: Journal, clock: FixedClock) -> None:
    number = await journal.ask(ROLLBACK, "")
    (request,) = await journal.requests(PRODUCTION)

    clock.at += timedelta(minutes=1)
    await settle(journal, request)
    await settle(journal, request, "another answer")

    command = await journal.command(number)
    assert (command.state, command.because) == ("done", "1.2.2 is declared again")
    assert command.settled_at == START + timedelta(minutes=1)
    assert command.order == ROLLBACK
    assert await journal.requests(PRODUCTION) == ()


async def test_asking_and_answer_join_the_audit_trail_once(journal: Journal) -> None:
    await journal.ask(ROLLBACK, "")
    (request,) = await journal.requests(PRODUCTION)
    await settle(journal, request)
    await settle(journal, request)

    told = select(audit.c.payload).where(audit.c.kind == "command").order_by(audit.c.id)
    payloads = await journal._read(lambda c: list(c.scalars(told)))

    assert [b'"state": "open"' in payloads[0], b'"state": "done"' in payloads[1]] == [True, True]
    assert len(payloads) == 2


async def test_lost_claim_settles_nothing(journal: Journal, clock: FixedClock) -> None:
    await journal.ask(ROLLBACK, "")
    (request,) = await journal.requests(PRODUCTION)
    late = await take_one(journal)
    clock.at += timedelta(minutes=1)
    await take_one(journal, "worker-2")

    with pytest.raises(StaleError, match="no longer holds"):
        await journal.keep(late, [SettleRequest(request=request, outcome="refused", because="too late")])

    assert await journal.requests(PRODUCTION) == (request,)


async def test_hold_reads_back_and_wakes_the_application(journal: Journal) -> None:
    until = START + timedelta(hours=2)

    hold = await journal.hold(PRODUCTION, "maintainer", "the sale is on", until)

    claim = await take_one(journal)
    assert hold == Hold(key=PRODUCTION, principal="maintainer", because="the sale is on", since=START, until=until)
    assert await journal.holds(PRODUCTION) == (hold,)
    assert await journal.holds(STAGING) == ()
    assert claim.key == SHOP


async def test_lifting_lifts_every_hold_of_the_environment_alone(journal: Journal) -> None:
    first = await journal.hold(PRODUCTION, "maintainer", "the sale is on", None)
    second = await journal.hold(PRODUCTION, "developer", "an incident", None)
    elsewhere = await journal.hold(STAGING, "developer", "a rehearsal", None)

    lifted = await journal.lift_hold(PRODUCTION, "maintainer")

    assert lifted == (first, second)
    assert await journal.lift_hold(PRODUCTION, "maintainer") == ()
    assert await journal.holds(PRODUCTION) == ()
    assert await journal.standing_holds() == (elsewhere,)


async def test_hold_that_runs_out_wakes_the_application(journal: Journal, clock: FixedClock) -> None:
    until = START + timedelta(hours=2)
    await journal.hold(PRODUCTION, "maintainer", "the sale is on", until)
    await journal.finish(await take_one(journal), wake_at=None, because="held")

    before = await journal.due_in()
    clock.at = until
    claim = await take_one(journal)

    assert before == timedelta(hours=2)
    assert claim.key == SHOP
    assert await journal.standing_holds() == ()


async def test_earlier_look_than_the_end_of_a_hold_stays(journal: Journal) -> None:
    await journal.hold(PRODUCTION, "maintainer", "the sale is on", START + timedelta(hours=2))

    await journal.finish(await take_one(journal), wake_at=START + timedelta(minutes=1), because="held")

    assert await journal.due_in() == timedelta(minutes=1)


async def test_hold_that_ran_out_is_no_reason_to_look(journal: Journal, clock: FixedClock) -> None:
    await journal.hold(PRODUCTION, "maintainer", "the sale is on", START + timedelta(hours=2))
    clock.at += timedelta(hours=3)

    await journal.finish(await take_one(journal), wake_at=None, because="held no more")

    assert await journal.due_in() is None


async def test_failed_promotion_reads_back_with_its_failure(journal: Journal) -> None:
    await journal.dirty([SHOP], because="look")
    await journal.keep(await take_one(journal), [RecordPromotion(promotion=PROMOTION)])

    assert await journal.promotion("p1") == PROMOTION
    assert await journal.promotions(SHOP) == (PROMOTION,)


async def test_failures_are_told_newest_first_and_of_the_tenant_alone(journal: Journal) -> None:
    for number in range(60):
        failed = replace(FAILURE, at=START + timedelta(minutes=number))
        await journal.save_promotion(replace(PROMOTION, id=f"p{number}", failure=failed))
    await journal.save_promotion(replace(PROMOTION, id="well", state="done", failure=None))
    await journal.save_promotion(replace(PROMOTION, id="theirs", key=EnvironmentKey("other", "shop", "production")))

    failures = await journal.failures("acme")

    newest = [START + timedelta(minutes=number) for number in range(59, 9, -1)]
    assert failures == tuple(FailureMark(key=PRODUCTION, at=at, release=RELEASE.name) for at in newest)


async def test_what_a_person_took_back_did_not_fail(journal: Journal) -> None:
    wish = replace(FAILURE, cause="person", evidence="pin", because="maintainer asked for it")
    await journal.save_promotion(replace(PROMOTION, id="wish", state="rolled_back", failure=wish))
    await journal.save_promotion(PROMOTION)

    told = [one.failure for one in await journal.promotions(SHOP)]

    assert sorted(one.cause for one in told if one) == ["canary", "person"]
    assert await journal.failures("acme") == (FailureMark(key=PRODUCTION, at=START, release=RELEASE.name),)


async def test_canary_gate_is_found_by_cluster_canary_and_question(journal: Journal) -> None:
    await record_gates(journal, UNDO, ROLLOUT)

    found = await journal.canary_gate("east", "shop/shop", "confirm-rollout")
    assert found is not None
    assert (found.gate, found.at) == (ROLLOUT, START)
    assert await journal.canary_gate("west", "shop/shop", "confirm-rollout") is None
    assert await journal.canary_gates(PRODUCTION) == (ROLLOUT, UNDO)


async def test_canary_gates_replace_those_before(journal: Journal) -> None:
    closed = replace(ROLLOUT, open=False, images=(), because="the environment is held")
    await record_gates(journal, ROLLOUT, UNDO)

    await record_gates(journal, closed)

    assert await journal.canary_gates(PRODUCTION) == (closed,)
    assert await journal.canary_gate("east", "shop/shop", "rollback") is None
