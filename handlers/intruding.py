"""Image automation wrote what no merged release file declares: it is named, followed, and not adopted."""

from datetime import datetime

from bot.observing import Promotion, Release
from config.policy import EnvironmentPolicy
from handlers.advancing import advance
from handlers.beginning import first_record
from handlers.rollout_facts import LANDED, RolloutFacts
from handlers.uninvited import beside


def intruder(facts: RolloutFacts, environment: EnvironmentPolicy) -> Release | None:
    """The release at the image positions that Git never declared; Flux lagging behind a merge is none (design 4)."""
    found = beside(facts.seen)
    if environment.delivery != "image_automation" or found is None:
        return None
    newest = newest_of(facts, found)
    landed = newest is not None and newest.state in LANDED - {"bypassed", "failed"}
    return None if landed else found


def intrusion(
    facts: RolloutFacts, release: Release, environment: EnvironmentPolicy, now: datetime
) -> tuple[Promotion | None, Promotion]:
    """The promotion of an intruder before and now; it is `bypassed` until it fails."""
    known = newest_of(facts, release)
    before = known if known is not None and known.state in ("bypassed", "failed") else None
    how = how_it_came(facts, release)
    return before, advance(before or first_record(facts, release, "bypassed", now), facts.seen, environment, now, how)


def newest_of(facts: RolloutFacts, release: Release) -> Promotion | None:
    """The newest promotion of a release here."""
    return next((promotion for promotion in facts.promotions if promotion.release.id == release.id), None)


def how_it_came(facts: RolloutFacts, release: Release) -> str:
    """A stale selection written over a rollback, or a tag that somebody placed by hand."""
    environment, tags = facts.key.environment, ", ".join(facts.seen.written)
    if denial := facts.seen.denied(release):
        since = f"{denial.since:%Y-%m-%d %H:%M} UTC"
        return f"image automation wrote {tags} over the rollback: {release.name} is denied there since {since}"
    if any(p.state == "rolled_back" and p.release.id == release.id for p in facts.promotions):
        return f"image automation wrote {tags} over the rollback that took {release.name} back from {environment}"
    declared = facts.seen.declared.name if facts.seen.declared else "nothing"
    return (
        f"the tag {tags} stands in {environment} past its gates (bypassed): no merged release file declares "
        f"{release.name}, it says {declared}"
    )
