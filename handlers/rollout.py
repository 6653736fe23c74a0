"""What Git declares is followed into the clusters: merging, applied, done or failed, and how each cluster is."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.actions import Action, Decision, RecordPromotion, WriteSticky, act, skip, wait
from bot.events import EnvironmentKey
from bot.observing import (
    EnvironmentSeen,
    EnvironmentState,
    Installation,
    Observer,
    Promotion,
    PromotionState,
    Release,
    ReleaseRecord,
    Rule,
    compare_versions,
    promotion_id,
)
from config.policy import Policy
from handlers.cluster_states import clusters_changed
from handlers.modes import muted
from handlers.standing import standing

LOOK_AGAIN = timedelta(seconds=20)
"""A roll-out is also polled, because Flux's events may be lost (failures F2, F3)."""

OPEN: frozenset[PromotionState] = frozenset({"waiting", "ready", "merging", "applied"})
ENDED: frozenset[PromotionState] = frozenset({"failed", "done", "bypassed", "downgraded"})
LANDED: frozenset[PromotionState] = ENDED | {"merging", "applied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFacts:
    """An environment, its promotions (newest first), and what was recorded of its clusters."""

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    releases: tuple[ReleaseRecord, ...]
    states: tuple[EnvironmentState, ...]


async def observe(key: EnvironmentKey, observer: Observer) -> RolloutFacts:
    """Read Git, the clusters and the journal."""
    promotions = await observer.promotions(key.owner)
    return RolloutFacts(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=await observer.environment(key),
        promotions=tuple(promotion for promotion in promotions if promotion.key == key),
        releases=await observer.releases(key.owner),
        states=await observer.environment_states(key),
    )


def decide(facts: RolloutFacts, policy: Policy, now: datetime) -> Decision:
    """Bring the promotion of the declared release to where the clusters say it is."""
    release = facts.seen.declared
    records = clusters_changed(facts.key, facts.seen, facts.states, now)
    if release is None:
        return skip(*records, because="Git declares no release here")
    before = followed(facts, release)
    after = advance(before or begin(facts, release, policy, now), facts.seen, now)
    actions: list[Action] = [*records, *overtaken(facts, release, now)]
    if after != before:
        actions += [RecordPromotion(promotion=after), *tell(before, after, facts, policy)]
    if after.healthy_at is None and after.state != "failed":
        return wait(*actions, because=after.because, look_again=LOOK_AGAIN)
    return act(*actions, because=after.because) if actions else skip(because=after.because)


def followed(facts: RolloutFacts, release: Release) -> Promotion | None:
    """The promotion under way or ended of what Git declares; one declined, superseded or left since begins anew."""
    for promotion in facts.promotions:
        if promotion.state in OPEN | ENDED and promotion.release.id == release.id:
            return promotion
        if promotion.state in ENDED:
            return None
    return None


def begin(facts: RolloutFacts, release: Release, policy: Policy, now: datetime) -> Promotion:
    """A release that Git declares without a promotion of ours: the baseline, dev's own, or a person's."""
    attempt = sum(promotion.release.id == release.id for promotion in facts.promotions)
    baseline = is_baseline(facts, release)
    observed = policy.environment(facts.key.application, facts.key.environment).delivery == "observe"
    state: PromotionState = "merging" if baseline or observed else beside_us(facts, release)
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


def advance(promotion: Promotion, seen: EnvironmentSeen, now: datetime) -> Promotion:
    """The promotion as the clusters show it; what ended well stays so, whatever its health does later."""
    if promotion.healthy_at is not None:
        return promotion
    state, because = standing(promotion.release, seen)
    if promotion.state == "failed" and state != "done":
        # Flux tries a failed revision again and again: it stays failed, as first told, until it is healthy.
        return promotion
    healthy_at = now if state == "done" else None
    state, because = beside_the_gates(promotion, state, because)
    if (state, because, healthy_at) == (promotion.state, promotion.because, None):
        return promotion
    return replace(promotion, state=state, because=because, healthy_at=healthy_at, updated_at=now)


def beside_the_gates(promotion: Promotion, state: PromotionState, because: str) -> tuple[PromotionState, str]:
    """What did not come through its gates keeps that mark, unless it failed, which is worse."""
    match promotion.state:
        case "bypassed" | "downgraded" as mark:
            beside = mark
        case "waiting":
            beside = "bypassed"
        case _:
            return state, because
    because = f"{promotion.release.name} came into Git past its gates ({beside}); {because}"
    return ("failed" if state == "failed" else beside), because


def overtaken(facts: RolloutFacts, release: Release, now: datetime) -> list[RecordPromotion]:
    """Promotions that were landing when Git moved on: the cluster may never show them (failures F5)."""
    landing = [p for p in facts.promotions if p.state in ("merging", "applied") and p.release.id != release.id]
    return [RecordPromotion(promotion=left_behind(promotion, release, now)) for promotion in landing]


def left_behind(promotion: Promotion, release: Release, now: datetime) -> Promotion:
    """Superseded by what is newer; withdrawn when somebody put Git back, so that it does not return by itself."""
    back = compare_versions(release.version, promotion.release.version) == "older"
    because = f"{'withdrawn' if back else 'superseded'}: Git declares {release.name} now"
    return replace(promotion, state="withdrawn" if back else "superseded", because=because, updated_at=now)


def tell(before: Promotion | None, after: Promotion, facts: RolloutFacts, policy: Policy) -> list[WriteSticky]:
    """The merge request that brought it shows how it ended; in between it is left alone."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    if after.merge_request is None or after.state in OPEN or muted(environment, facts.installation):
        return []
    if before is not None and before.state == after.state:
        return []
    return [
        WriteSticky(
            key=after.key,
            merge_request=after.merge_request,
            release=after.release,
            state=after.state,
            gates=(),
            because=after.because,
        )
    ]


RULE = Rule(name="rollout", about=EnvironmentKey, facts=RolloutFacts, observe=observe, decide=decide)
