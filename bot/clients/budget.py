"""Requests to one host stay within its budget, and the urgent ones go first.

The arithmetic (`Budget`) is pure and takes the time in seconds; `HostBudget` lends it the event loop's clock.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from bot.errors import TemporaryError


class Priority(IntEnum):
    """Who goes first when requests are scarce; a lower number is more urgent."""

    ROLLBACK = 0
    APPROVAL = 1
    STATUS = 2
    PROMOTION = 3
    READ = 4
    COSMETICS = 5


RESERVED = {
    Priority.ROLLBACK: 0.0,
    Priority.APPROVAL: 0.05,
    Priority.STATUS: 0.1,
    Priority.PROMOTION: 0.15,
    Priority.READ: 0.2,
    Priority.COSMETICS: 0.4,
}
"""The share of the burst a priority leaves untouched, so that something more urgent finds requests left at once."""

FAIR_SHARE = 10
"""While less urgent requests wait, one grant in this many is theirs (never before a rollback): nobody starves."""


@dataclass(eq=False, slots=True, kw_only=True)
class Ticket:
    """A request that waits for its turn; `arrival` counts up and is set when it joins the queue."""

    priority: Priority
    arrival: int = 0


class Budget:
    """A token bucket with a queue per priority. All times are seconds on one monotonic scale."""

    def __init__(self, *, per_minute: float, burst: int | None = None) -> None:
        if per_minute <= 0:
            raise ValueError("a budget needs at least some requests per minute")
        self.per_second = per_minute / 60
        self.burst = float(burst if burst is not None else max(10, int(per_minute / 10)))
        self.tokens = self.burst
        self.paused_until = 0.0
        self._refilled_at: float | None = None
        self._queues: dict[Priority, deque[Ticket]] = {priority: deque() for priority in Priority}
        self._passed_over = 0
        self._arrivals = 0

    def enqueue(self, ticket: Ticket) -> None:
        """Let a request wait for `grant`; within a priority the first come is the first served."""
        self._arrivals += 1
        ticket.arrival = self._arrivals
        self._queues[ticket.priority].append(ticket)

    def withdraw(self, ticket: Ticket) -> None:
        """Forget a request that no longer waits; unknown ones are ignored."""
        if ticket in self._queues[ticket.priority]:
            self._queues[ticket.priority].remove(ticket)

    def grant(self, now: float) -> list[Ticket]:
        """The waiting requests that may be sent now, in order."""
        self._refill(now)
        granted: list[Ticket] = []
        while now >= self.paused_until and (chosen := self._choose()) is not None:
            granted.append(self._take(chosen))
        return granted

    def next_grant(self, now: float) -> float | None:
        """Seconds until `grant` can give something, or None when nobody waits."""
        waiting = self._waiting()
        if not waiting:
            return None
        needed = min(1.0 if self._fair_turn() else self._needed(priority) for priority in waiting)
        refilled = max(0.0, (needed - self.tokens) / self.per_second)
        return max(refilled, self.paused_until - now, 0.0)

    def pause(self, seconds: float, now: float) -> None:
        """Send nothing for so long: the server asked for it."""
        self.paused_until = max(self.paused_until, now + seconds)

    def observe(self, *, remaining: int, resets_in: float, now: float) -> None:
        """Learn from the server's own count: others may spend from the same limit."""
        self._refill(now)
        self.tokens = min(self.tokens, float(remaining))
        if remaining <= 0:
            self.pause(max(0.0, resets_in), now)

    def _refill(self, now: float) -> None:
        since = self._refilled_at if self._refilled_at is not None else now
        self.tokens = min(self.burst, self.tokens + max(0.0, now - since) * self.per_second)
        self._refilled_at = max(now, since)

    def _waiting(self) -> list[Priority]:
        return [priority for priority in Priority if self._queues[priority]]

    def _needed(self, priority: Priority) -> float:
        return min(self.burst, 1.0 + RESERVED[priority] * self.burst) - _ROUNDING

    def _fair_turn(self) -> bool:
        return self._passed_over >= FAIR_SHARE - 1 and not self._queues[Priority.ROLLBACK]

    def _choose(self) -> Priority | None:
        waiting = self._waiting()
        if not waiting or self.tokens < 1.0 - _ROUNDING:
            return None
        if self._fair_turn():
            # The longest wait wins, not the lowest priority, or those in the middle would starve instead.
            return min(waiting[1:] or waiting, key=lambda priority: self._queues[priority][0].arrival)
        return waiting[0] if self.tokens >= self._needed(waiting[0]) else None

    def _take(self, priority: Priority) -> Ticket:
        fair = self._fair_turn()
        ticket = self._queues[priority].popleft()
        self.tokens -= 1
        lower = any(self._queues[other] for other in Priority if other > priority)
        self._passed_over = self._passed_over + 1 if lower and not fair else 0
        return ticket


_ROUNDING = 1e-9


class HostBudget:
    """One host's budget on the event loop: `acquire` before every request, `observe` and `pause` after it."""

    def __init__(self, *, per_minute: float, burst: int | None = None) -> None:
        self._budget = Budget(per_minute=per_minute, burst=burst)
        self._timer: asyncio.TimerHandle | None = None
        self._turns: dict[Ticket, asyncio.Future[None]] = {}

    async def acquire(self, priority: Priority, within: float) -> None:
        """Return when the request may be sent; TemporaryError when that is not within so many seconds."""
        ticket = Ticket(priority=priority)
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        self._budget.enqueue(ticket)
        self._serve()
        try:
            await self._wait_for(turn, within)
        finally:
            self._budget.withdraw(ticket)
            self._turns.pop(ticket, None)

    def pause(self, seconds: float) -> None:
        """Obey a Retry-After: nothing is sent to this host for so many seconds."""
        self._budget.pause(seconds, self._now())

    def observe(self, *, remaining: int, resets_in: float) -> None:
        """Obey RateLimit-Remaining and RateLimit-Reset (seconds from now)."""
        self._budget.observe(remaining=remaining, resets_in=resets_in, now=self._now())

    def waiting(self) -> int:
        """How many requests wait for their turn, for /metrics."""
        return len(self._turns)

    async def _wait_for(self, turn: asyncio.Future[None], within: float) -> None:
        if turn.done():
            return
        if self._budget.paused_until - self._now() > within:
            raise self._spent()
        try:
            await asyncio.wait_for(turn, max(0.0, within))
        except TimeoutError as error:
            raise self._spent() from error

    def _spent(self) -> TemporaryError:
        wait = self._budget.next_grant(self._now()) or 0.0
        return TemporaryError(
            f"the request budget of this host is spent for another {wait:.0f} s, longer than this call may wait. "
            "It is tried again by itself; raise the budget in the operator settings if this happens often.",
            retry_after=timedelta(seconds=max(1.0, wait)),
        )

    def _serve(self) -> None:
        for ticket in self._budget.grant(self._now()):
            turn = self._turns.get(ticket)
            if turn is not None and not turn.done():
                turn.set_result(None)
        self._wake_later()

    def _wake_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait = self._budget.next_grant(self._now())
        if wait is not None:
            self._timer = asyncio.get_running_loop().call_later(wait + _ROUNDING, self._serve)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
