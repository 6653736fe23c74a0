"""Whoever waits for work is woken by new work, and no wake-up between two of its waits is lost."""

import asyncio
from datetime import timedelta
from weakref import WeakKeyDictionary


class Wakeups:
    """A bell that every waiting task hears once per ringing, also when it rang while the task was busy."""

    def __init__(self, *, poll_every: timedelta | None) -> None:
        self._poll_every = poll_every
        self._heard: WeakKeyDictionary[asyncio.Task[object], asyncio.Event] = WeakKeyDictionary()

    def ring(self) -> None:
        """Wake all; must be called on the event loop."""
        for event in self._heard.values():
            event.set()

    async def wait(self, timeout: timedelta | None) -> bool:
        """True when it rang since this task last waited, False when `timeout` or the slow poll came first.

        The first wait of a task returns at once: what rang before nobody knows.
        """
        event = self._event()
        seconds = self._seconds(timeout)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    def _event(self) -> asyncio.Event:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("wait() must be awaited in a task")
        if task not in self._heard:
            self._heard[task] = asyncio.Event()
            self._heard[task].set()
        return self._heard[task]

    def _seconds(self, timeout: timedelta | None) -> float | None:
        bounds = [bound.total_seconds() for bound in (timeout, self._poll_every) if bound is not None]
        return max(min(bounds), 0.0) if bounds else None
