"""Ready means: the journal can be written, and the worker goes round."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.errors import SluiceError
from bot.journal import Journal
from bot.worker import Worker

STUCK = timedelta(minutes=2)
"""Several times the worker's longest sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Answers `/readyz`."""

    journal: Journal
    worker: Worker
    clock: Clock

    async def problems(self) -> Sequence[str]:
        """Why this process cannot do its work, in sentences; empty when it can."""
        found: list[str] = []
        try:
            await self.journal.touch()
        except SluiceError as error:
            found.append(f"the journal cannot be written: {error}")
        last = self.worker.last_round
        if last is None or self.clock.now() - last > STUCK:
            found.append("the worker has not gone round for two minutes")
        return found
