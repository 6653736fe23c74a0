"""What Git said of an environment when a rule last saw it, from the facts of its runs: no repository is read for it."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bot.errors import PermanentError
from bot.journal import Journal
from bot.journal.runs import Run

LATEST = 10
"""How many of an environment's newest runs are searched for it."""


class ReleaseSaid(msgspec.Struct):
    """A release as facts write it."""

    version: str = ""
    commit: str = ""


class PinSaid(msgspec.Struct):
    """A pin as facts write it."""

    release: ReleaseSaid
    instead_of: ReleaseSaid
    failure: str
    since: datetime
    because: str
    by: str


class DenialSaid(msgspec.Struct):
    """A denial as facts write it."""

    version: str


class Declared(msgspec.Struct):
    """An environment in Git: nothing at all when no rule saw it yet."""

    declared: ReleaseSaid | None = None
    pin: PinSaid | None = None
    denials: tuple[DenialSaid, ...] = ()

    @property
    def version(self) -> str:
        """Of the declared release; empty when unknown."""
        return self.declared.version if self.declared else ""

    @property
    def denied(self) -> tuple[str, ...]:
        """The versions that are denied, each once."""
        return tuple(dict.fromkeys(denial.version for denial in self.denials))


class _Facts(msgspec.Struct):
    """What rules about an environment see of Git, whichever rule it is."""

    seen: Declared


async def last_declared(journal: Journal, runs: Iterable[Run]) -> Declared:
    """What the newest of these runs that looked at Git saw there."""
    for run in runs:
        try:
            return msgspec.json.decode(await journal.document(run.facts_sha), type=_Facts).seen
        except (msgspec.ValidationError, PermanentError):
            # Facts of a rule that does not look at Git, or dropped by retention: an older run may tell.
            continue
    return Declared()
