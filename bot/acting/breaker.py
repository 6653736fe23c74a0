"""A thread that grows too fast is left alone: at most five new notes of ours in ten minutes, then one that says so.

The last of four nets against a bot that answers itself (failures, 2a): own user, marker, commands at line starts, this.
The journal keeps the count as effects of its own, so that a restart or another replica does not begin anew.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.errors import PermanentError
from bot.journal import Claim, Journal

MOST_NOTES = 5
WITHIN = timedelta(minutes=10)
TAKES = timedelta(seconds=1)
"""The intent of a count is done as soon as it is recorded: nothing outside is waited for."""


class ThreadQuiet(PermanentError):
    """Nothing new is said in a thread for a while; what is there already may still be brought up to date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Counts the new notes of one claim's work. A thread is `<project>:<kind>:<iid>`, e.g. `demo/config:mr:3`."""

    journal: Journal
    claim: Claim
    clock: Clock

    async def spend(self, thread: str) -> None:
        """One more new note is about to be written; ThreadQuiet when the thread has had its share."""
        for place in range(MOST_NOTES):
            if await self._first(f"breaker:{thread}:{place}"):
                return
        raise ThreadQuiet(
            f"{thread} got {MOST_NOTES} new notes within {WITHIN.total_seconds() / 60:.0f} minutes: nothing more is "
            "said there for a while. Look at what answers the bot there; the rest of the work goes on."
        )

    async def falls_silent(self, thread: str) -> bool:
        """Whether this is the first note for a while that is not written, so that it has to be said."""
        return await self._first(f"breaker:{thread}:silent")

    async def _first(self, key: str) -> bool:
        spent = await self.journal.effect(key)
        if spent is not None and self.clock.now() - spent.intent_at < WITHIN:
            return False
        await self.journal.intend(self.claim, key, "", "", TAKES)
        await self.journal.effected(self.claim, key, None)
        return True

    def before_note(self, thread: str, about_to_write: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """What stands before the write of a note that is not known to exist yet."""

        async def spend_and_write() -> None:
            await self.spend(thread)
            await about_to_write()

        return spend_and_write
