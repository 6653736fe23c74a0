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
BREATH = 0.05
"""Seconds between two pieces of the work."""


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
                await self.tidy()
            except TemporaryError as error:
                log.warning("upkeep is tried again", because=str(error))

    async def tidy(self) -> None:
        """All there is to do, in short transactions with a pause between, so that acknowledgements do not wait."""
        more = True
        while more:
            more = (await self.journal.retain(self.clock.now())).more
            await asyncio.sleep(BREATH)
        sealed = 1
        while sealed:
            sealed = await self.journal.seal_audit()
            await asyncio.sleep(BREATH)
