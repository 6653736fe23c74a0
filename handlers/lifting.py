"""A pin is lifted when nothing in the clusters can bring back what it keeps out: Flux selects what follows."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Decision, LiftPin, MergeRollback, act, digest, skip, wait, would
from bot.events import EnvironmentKey
from bot.observing import (
    EnvironmentSeen,
    Installation,
    MergeRequestSeen,
    Observer,
    Pin,
    Promotion,
    Release,
    Rights,
    Rule,
    compare_versions,
)
from config.policy import EnvironmentPolicy, Policy
from handlers.modes import muted
from handlers.selecting import LOOK_AGAIN, in_words, selects
from handlers.standing import is_release
from handlers.undone import still_counts
from handlers.ways import LOOK_AGAIN_LATER, REBUILD, by_a_person, way_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftFacts:
    """A pinned environment; the rest is read only when a release that may lift the pin was merged.

    merge_request: the open one of the rollback branch. written: the digest last written for this lifting.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    rights: Rights | None = None
    merge_request: MergeRequestSeen | None = None
    written: str = ""


async def observe(key: EnvironmentKey, observer: Observer) -> LiftFacts:
    """Read Git and the journal; GitLab only when the pin may go."""
    seen = await observer.environment(key)
    here = tuple(promotion for promotion in await observer.promotions(key.owner) if promotion.key == key)
    installation = await observer.installation(key.tenant)
    facts = LiftFacts(key=key, installation=installation, seen=seen, promotions=here)
    environment = observer.policy.environment(key.application, key.environment)
    if seen.pin is None or seen.declared is None or stands_against(facts, environment, seen.pin):
        return facts
    return LiftFacts(
        key=key,
        installation=installation,
        seen=seen,
        promotions=here,
        rights=await observer.rights(key.tenant),
        merge_request=await observer.rollback_request(key),
        written=await observer.written(lift(facts, environment, seen.pin, seen.declared).effect_key),
    )


def decide(facts: LiftFacts, policy: Policy, now: datetime) -> Decision:
    """Wait until every image policy selects the declared release, then lift the pin in one commit."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    pin, declared = facts.seen.pin, facts.seen.declared
    if pin is None or declared is None:
        return skip(because=f"no pin is set in {facts.key.environment}")
    if why := stands_against(facts, environment, pin):
        return skip(because=why)
    if not selects(facts.seen, environment, declared):
        because = f"the pin of {facts.key.environment} stays until Flux selects {declared.name}: {in_words(facts.seen)}"
        return wait(because=because, look_again=LOOK_AGAIN)
    change = lift(facts, environment, pin, declared)
    if why := muted(environment, facts.installation):
        return would(because=f"would lift the pin of {facts.key.environment}, but {why}; {change.because}")
    if facts.merge_request is None:
        return write(facts, change)
    return land(facts, change, facts.merge_request, by_a_person(environment, facts.installation))


def write(facts: LiftFacts, change: LiftPin) -> Decision:
    """Write it, once: it landed a moment ago, or a person closed its merge request and is respected."""
    if not facts.written:
        return act(change, because=change.because, look_again=LOOK_AGAIN)
    because = f"{change.because}; it is written, and Git is being read (or a person closed its merge request)"
    return wait(because=because, look_again=LOOK_AGAIN_LATER)


def land(facts: LiftFacts, change: LiftPin, request: MergeRequestSeen, left_to_people: bool) -> Decision:
    """Where the default branch takes no commit: the open merge request is kept right, and merged as GitLab allows."""
    if not request.ours:
        because = f"{change.because}; a person committed to !{request.iid}, who merges it or closes it"
        return wait(because=because, look_again=LOOK_AGAIN_LATER)
    if facts.written != digest(change) or request.status in REBUILD:
        return act(change, because=change.because, look_again=LOOK_AGAIN)
    if left_to_people or request.draft:
        return wait(because=f"{change.because} as soon as a person merges !{request.iid}", look_again=LOOK_AGAIN_LATER)
    if request.status != "mergeable":
        because = f"{change.because} as soon as GitLab lets !{request.iid} be merged: it says {request.status}"
        return wait(because=because, look_again=LOOK_AGAIN)
    merge = MergeRollback(
        key=facts.key, merge_request=request.iid, sha=request.sha, release=change.release, because=change.because
    )
    return act(merge, because=f"{change.because}: !{request.iid} is merged", look_again=LOOK_AGAIN)


def stands_against(facts: LiftFacts, environment: EnvironmentPolicy, pin: Pin) -> str:
    """Why the pin stays, or needs nothing of us; empty when what Git declares may lift it."""
    place, declared = facts.key.environment, facts.seen.declared
    if declared is None or is_release(declared, pin.release):
        return f"{place} is pinned at {pin.release.name} until a newer release than {pin.instead_of.name} comes"
    if environment.delivery != "image_automation":
        return f"the merge request that brings {declared.name} into {place} removes the pin itself"
    if denial := facts.seen.denied(declared):
        return f"the pin of {place} stays: {declared.name} is denied there, {denial.because}"
    if not lifts(facts, declared, pin):
        return (
            f"the pin of {place} stays: {declared.name} is not newer than {pin.instead_of.name}, which was taken back"
        )
    return ""


def lifts(facts: LiftFacts, declared: Release, pin: Pin) -> bool:
    """Newer than what was taken back, or just that if it was allowed since the pin was set."""
    if is_release(declared, pin.instead_of):
        return not still_counts(pin.since, declared, facts.key, facts.promotions)
    return compare_versions(declared.version, pin.instead_of.version) == "newer"


def lift(facts: LiftFacts, environment: EnvironmentPolicy, pin: Pin, declared: Release) -> LiftPin:
    """The change, by the way that policy and rights leave."""
    because = f"the pin of {facts.key.environment} is lifted: Git declares {declared.name}, {in_words(facts.seen)}"
    way = way_of(environment, facts.installation, facts.rights)
    return LiftPin(key=facts.key, release=declared, way=way, since=pin.since, because=because)


RULE = Rule(name="lifting", about=EnvironmentKey, facts=LiftFacts, observe=observe, decide=decide)
