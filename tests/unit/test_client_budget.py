"""The request budget: urgent first, nobody starved, the server's own count obeyed."""

import asyncio
import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients.budget import FAIR_SHARE, Budget, HostBudget, Priority, Ticket
from bot.errors import TemporaryError

priorities = st.sampled_from(list(Priority))


def drain(budget: Budget, now: float, *, limit: int = 10_000) -> list[tuple[float, Priority]]:
    """Move the clock from grant to grant until nobody waits; when each was granted."""
    granted: list[tuple[float, Priority]] = []
    for _ in range(limit):
        granted += [(now, ticket.priority) for ticket in budget.grant(now)]
        wait = budget.next_grant(now)
        if wait is None:
            return granted
        now += max(wait, 1e-6)
    raise AssertionError("somebody waits for ever")


def test_a_rollback_overtakes_everything_that_waits() -> None:
    budget = Budget(per_minute=60, burst=10)
    for _ in range(50):
        budget.enqueue(Ticket(priority=Priority.COSMETICS))
    budget.grant(0.0)

    budget.enqueue(Ticket(priority=Priority.ROLLBACK))

    assert [ticket.priority for ticket in budget.grant(0.0)] == [Priority.ROLLBACK]


def test_cosmetics_leave_requests_for_what_is_urgent() -> None:
    budget = Budget(per_minute=60, burst=10)
    for _ in range(50):
        budget.enqueue(Ticket(priority=Priority.COSMETICS))

    granted = budget.grant(0.0)

    assert len(granted) == 6
    assert budget.tokens == pytest.approx(4)


def test_within_a_priority_the_first_come_is_the_first_served() -> None:
    budget = Budget(per_minute=60, burst=6)
    tickets = [Ticket(priority=Priority.STATUS) for _ in range(3)]
    for ticket in tickets:
        budget.enqueue(ticket)

    assert budget.grant(0.0) == tickets


def test_an_exhausted_server_is_left_alone_until_its_reset() -> None:
    budget = Budget(per_minute=600, burst=60)
    budget.observe(remaining=0, resets_in=30.0, now=0.0)
    budget.enqueue(Ticket(priority=Priority.ROLLBACK))

    assert budget.grant(29.9) == []
    assert len(budget.grant(30.0)) == 1


def test_a_withdrawn_request_spends_nothing() -> None:
    budget = Budget(per_minute=60, burst=1)
    gone, stays = Ticket(priority=Priority.READ), Ticket(priority=Priority.READ)
    budget.enqueue(gone)
    budget.enqueue(stays)

    budget.withdraw(gone)

    assert budget.grant(0.0) == [stays]


@given(st.lists(priorities, min_size=1, max_size=80), st.integers(1, 20))
def test_everybody_who_waits_is_served_in_the_end(waiting: list[Priority], burst: int) -> None:
    budget = Budget(per_minute=60, burst=burst)
    for priority in waiting:
        budget.enqueue(Ticket(priority=priority))

    granted = drain(budget, 0.0)

    assert sorted(priority for _, priority in granted) == sorted(waiting)


@given(st.lists(priorities, min_size=1, max_size=60), st.integers(1, 20))
def test_a_higher_priority_is_passed_over_by_at_most_the_fair_share(waiting: list[Priority], burst: int) -> None:
    budget = Budget(per_minute=60, burst=burst)
    for priority in waiting:
        budget.enqueue(Ticket(priority=priority))

    order = [priority for _, priority in drain(budget, 0.0)]

    passed = [index for index, priority in enumerate(order) if any(later < priority for later in order[index + 1 :])]
    assert all(after - before >= FAIR_SHARE for before, after in itertools.pairwise(passed))
    assert not any(Priority.ROLLBACK in order[index + 1 :] for index in passed)


@given(st.lists(st.sampled_from([Priority.APPROVAL, Priority.STATUS]), min_size=1, max_size=3), priorities)
def test_nobody_starves_while_more_urgent_requests_never_stop(urgent: list[Priority], low: Priority) -> None:
    budget = Budget(per_minute=60, burst=5)
    patient = Ticket(priority=low)
    budget.enqueue(patient)
    seen: list[Ticket] = []

    for second in range(5 + 4 * FAIR_SHARE):
        for priority in urgent:
            budget.enqueue(Ticket(priority=priority))
        seen += budget.grant(float(second))

    assert patient in seen


@given(
    st.lists(st.tuples(st.floats(0, 5), priorities), max_size=60),
    st.floats(min_value=6, max_value=6000),
    st.integers(1, 30),
)
def test_never_more_is_sent_than_the_budget_allows(
    arrivals: list[tuple[float, Priority]], per_minute: float, burst: int
) -> None:
    budget = Budget(per_minute=per_minute, burst=burst)
    now, granted = 0.0, 0
    for pause, priority in arrivals:
        now += pause
        budget.enqueue(Ticket(priority=priority))
        granted += len(budget.grant(now))

        assert granted <= burst + now * per_minute / 60 + 1e-6


async def test_a_request_within_the_budget_goes_at_once() -> None:
    budget = HostBudget(per_minute=60, burst=2)

    await budget.acquire(Priority.ROLLBACK, within=0.0)

    await budget.acquire(Priority.ROLLBACK, within=0.0)
    with pytest.raises(TemporaryError, match="spent"):
        await budget.acquire(Priority.ROLLBACK, within=0.0)


async def test_a_paused_host_says_when_to_come_back() -> None:
    budget = HostBudget(per_minute=600)
    budget.pause(40.0)

    with pytest.raises(TemporaryError) as refused:
        await budget.acquire(Priority.READ, within=5.0)

    assert refused.value.retry_after is not None
    assert timedelta(seconds=35) < refused.value.retry_after <= timedelta(seconds=41)


async def test_waiting_requests_are_woken_by_the_refill() -> None:
    budget = HostBudget(per_minute=60_000, burst=1)
    order: list[Priority] = []

    async def send(priority: Priority) -> None:
        await budget.acquire(priority, within=10.0)
        order.append(priority)

    await asyncio.gather(*(send(priority) for priority in [Priority.READ, Priority.COSMETICS, Priority.ROLLBACK]))

    assert order == [Priority.READ, Priority.ROLLBACK, Priority.COSMETICS]


async def test_a_cancelled_request_leaves_the_queue() -> None:
    budget = HostBudget(per_minute=1, burst=1)
    await budget.acquire(Priority.READ, within=0.0)
    waiting = asyncio.create_task(budget.acquire(Priority.READ, within=60.0))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert budget.waiting() == 0
