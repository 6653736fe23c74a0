"""What Flagger said of the newest analysis of a canary, from its own hooks and from Kubernetes' Events together.

Neither is whole: hooks may be lost on their way, and client-go folds a source's tenth different message within ten
minutes and drops those beyond 25 of an object (`EventCorrelator`, Kubernetes 1.34). Both carry Flagger's own clock:
Events in whole seconds, hooks in milliseconds, a moment after the Event of the same sentence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

BEGINNING = "New revision detected!"
"""How Flagger's sentence begins when an analysis starts or starts over (pkg/controller/scheduler.go, 1.41)."""
KEPT = 50
"""How many sentences of an analysis are kept, the newest."""
LONGEST = 300
"""Characters of a sentence that are compared and kept."""
SAME = timedelta(seconds=1)
"""How far apart the two sources may date one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A sentence, and when it was last said."""

    at: datetime
    message: str

    @property
    def second(self) -> datetime:
        """The whole second, which is all that an Event tells."""
        return self.at.replace(microsecond=0)

    @property
    def begins(self) -> bool:
        """Whether an analysis begins with it."""
        return self.message.startswith(BEGINNING)


def of_the_newest_analysis(events: Sequence[Word], hooks: Sequence[Word]) -> tuple[str, ...]:
    """The sentences since the newest beginning that either source knows, oldest first, each once.

    events, hooks: oldest first. Without a sentence that begins an analysis nobody can tell whose they are, and then
    there are none.
    """
    begun = max((word.second for word in (*events, *hooks) if word.begins), default=None)
    if begun is None:
        return ()
    both = (*since(hooks, begun), *since(events, begun))
    first, *later = dict.fromkeys(word.message[:LONGEST] for word in in_order(both))
    return (first, *later[-KEPT:])


def since(told: Sequence[Word], begun: datetime) -> Sequence[Word]:
    """What one source said since an analysis began; of the second of its beginning only what follows it there."""
    beginnings = [place for place, word in enumerate(told) if word.begins and begun - word.second <= SAME]
    if beginnings:
        return told[beginnings[-1] :]
    return [word for word in told if word.second > begun]


def in_order(words: Iterable[Word]) -> list[Word]:
    """By the second; the beginning first, and otherwise as it was given."""
    return sorted(words, key=lambda word: (word.second, not word.begins))
