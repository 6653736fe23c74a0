"""The journal is kept small and its audit sealed, a little at a time."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.errors import TemporaryError
from bot.journal import Journal

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Drops what retention lets go and seals the audit; several replicas may do so at once."""

    journal: Journal
    clock: Clock

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                await self.journal.retain(self.clock.now())
                await self.journal.seal_audit()
            except TemporaryError as error:
                log.warning("upkeep is tried again", because=str(error))
