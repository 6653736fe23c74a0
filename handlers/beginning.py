"""A release that Git declares, or image automation wrote, without a promotion of ours gets a record of its own."""

from datetime import datetime

from bot.observing import Promotion, PromotionState, Release, compare_versions, promotion_id
from config.policy import EnvironmentPolicy
from handlers.rollout_facts import LANDED, RolloutFacts


def begin(facts: RolloutFacts, release: Release, environment: EnvironmentPolicy, now: datetime) -> Promotion:
    """A release that Git declares without a promotion of ours: the baseline, dev's own, or a person's."""
    baseline = is_baseline(facts, release)
    observed = environment.delivery == "observe"
    state: PromotionState = "merging" if baseline or observed else beside_us(facts, release)
    return first_record(facts, release, state, now, baseline=baseline)


def first_record(
    facts: RolloutFacts, release: Release, state: PromotionState, now: datetime, *, baseline: bool = False
) -> Promotion:
    """The record of a release that is there already, one attempt after those known."""
    attempt = sum(promotion.release.id == release.id for promotion in facts.promotions)
    return Promotion(
        id=promotion_id(facts.key, release, attempt),
        key=facts.key,
        release=release,
        state=state,
        because=f"Git declares {release.name}",
        opened_at=now,
        updated_at=now,
        baseline=baseline,
    )


def is_baseline(facts: RolloutFacts, release: Release) -> bool:
    """At the first sight of an environment: what is there already, whether it was noticed as a release or not."""
    if landed_last(facts) is not None:
        return False
    known = next((record for record in facts.releases if record.release.id == release.id), None)
    return known.baseline if known else not facts.promotions


def landed_last(facts: RolloutFacts) -> Promotion | None:
    """The newest promotion whose release Git declared here."""
    return next((promotion for promotion in facts.promotions if promotion.state in LANDED), None)


def beside_us(facts: RolloutFacts, release: Release) -> PromotionState:
    """Written into Git without our merge request: a downgrade, or past the gates (failures F11)."""
    last = landed_last(facts)
    older = last is not None and compare_versions(release.version, last.release.version) == "older"
    return "downgraded" if older else "bypassed"
