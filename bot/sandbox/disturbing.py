"""Deliveries on their way out can be dropped, delayed, doubled and shuffled, as networks and outages do it."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Deliver = Callable[[], Awaitable[None]]
# A shuffled delivery waits for company; after this many seconds it goes alone.
PATIENCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What happens to deliveries; the default is nothing."""

    drop: float = 0.0
    """The share that is never sent, 0 to 1."""
    delay: float = 0.0
    """Seconds that each one is held back."""
    duplicate: float = 0.0
    """The share that is sent twice, 0 to 1."""
    shuffle: int = 0
    """How many are collected before they leave in another order; 0 keeps the order."""
    seed: int = 0


class Outbox:
    """Sends deliveries as tasks of its own, through the disturbance that is set."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._chance = random.Random(0)
        self._disturbance = Disturbance()
        self._waiting: list[Deliver] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def disturb(self, disturbance: Disturbance) -> None:
        """Set what happens from now on; what was held back leaves."""
        self._disturbance = disturbance
        self._chance = random.Random(disturbance.seed)
        self._flush()

    def send(self, deliver: Deliver) -> None:
        """Hand one delivery over."""
        if self._chance.random() < self._disturbance.drop:
            self.counters["dropped"] += 1
            return
        self._waiting.append(deliver)
        if self._chance.random() < self._disturbance.duplicate:
            self.counters["duplicated"] += 1
            self._waiting.append(deliver)
        if len(self._waiting) > self._disturbance.shuffle:
            self._flush()
        else:
            self._spawn(self._flush_later())

    async def stop(self) -> None:
        """Forget what is under way, as a restarted sender does."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _flush(self) -> None:
        leaving, self._waiting = self._waiting, []
        if self._disturbance.shuffle:
            self._chance.shuffle(leaving)
        for deliver in leaving:
            self.counters["sent"] += 1
            self._spawn(self._later(deliver, self._disturbance.delay))

    async def _flush_later(self) -> None:
        await asyncio.sleep(PATIENCE)
        self._flush()

    async def _later(self, deliver: Deliver, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        await deliver()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
