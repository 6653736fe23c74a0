"""A release is noticed: what the first environments run, or their registry offers, is known from then on."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Decision, RecordBaseline, RecordRelease, skip
from bot.events import ApplicationKey
from bot.observing import Observer, Release, ReleaseRecord, Rule
from config.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFacts:
    """The releases known, and those to be seen now."""

    key: ApplicationKey
    has_baseline: bool
    known: tuple[ReleaseRecord, ...]
    sighted: tuple[Release, ...]


async def observe(key: ApplicationKey, observer: Observer) -> ReleaseFacts:
    """Read the journal and the first environments."""
    return ReleaseFacts(
        key=key,
        has_baseline=await observer.has_baseline(key),
        known=await observer.releases(key),
        sighted=await observer.sightings(key),
    )


def decide(facts: ReleaseFacts, policy: Policy, now: datetime) -> Decision:
    """Remember what is new; at first sight everything is baseline, nothing old is promoted (design section 3)."""
    known = {record.release.id for record in facts.known}
    fresh = [release for release in facts.sighted if release.id not in known]
    records = [RecordRelease(key=facts.key, record=first_seen(release, facts, now)) for release in fresh]
    names = ", ".join(release.name for release in fresh)
    if not facts.has_baseline:
        because = f"first sight: {names or 'nothing yet'} is the baseline and does not move"
        return skip(RecordBaseline(key=facts.key), *records, because=because)
    if not fresh:
        return skip(because="no release that was not known")
    return skip(*records, because=f"{names} is new")


def first_seen(release: Release, facts: ReleaseFacts, now: datetime) -> ReleaseRecord:
    """The record, flagged when its version was seen with other digests before."""
    moved = any(record.release.version == release.version != "" for record in facts.known)
    return ReleaseRecord(release=release, first_seen=now, baseline=not facts.has_baseline, tag_moved=moved)


RULE = Rule(name="releases", about=ApplicationKey, facts=ReleaseFacts, observe=observe, decide=decide)
