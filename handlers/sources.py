"""A Flux object reported: only the applications whose images or health changed are looked at again."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Decision, LookAgain, RecordSource, act, skip
from bot.events import ApplicationKey, SourceKey
from bot.observing import Carried, Observer, Rule, Source
from config.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """A Flux object, and what was known of it."""

    key: SourceKey
    source: Source


async def observe(key: SourceKey, observer: Observer) -> SourceFacts:
    """Read the object once."""
    return SourceFacts(key=key, source=await observer.source(key))


def decide(facts: SourceFacts, policy: Policy, now: datetime) -> Decision:
    """Look again at the applications that changed; a report that changes nothing costs nothing more."""
    state = facts.source.now
    if state == facts.source.known:
        return skip(because="nothing it carries has changed")
    moved = changed(facts.source)
    if not moved:
        return skip(RecordSource(key=facts.key, state=state), because="it carries no application of ours")
    names = ", ".join(f"{key.application}" for key in moved)
    because = f"{facts.key.name} in {facts.key.cluster} changed what it says of {names}"
    return act(RecordSource(key=facts.key, state=state), LookAgain(keys=moved, because=because), because=because)


def changed(source: Source) -> tuple[ApplicationKey, ...]:
    """The applications with a line in only one of the two states."""
    known = set(source.known.carried) if source.known else set[Carried]()
    differing = known ^ set(source.now.carried)
    return tuple(sorted({ApplicationKey(line.tenant, line.application) for line in differing}))


RULE = Rule(name="sources", about=SourceKey, facts=SourceFacts, observe=observe, decide=decide)
