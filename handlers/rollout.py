"""What Git declares is followed into the clusters: merging, applied, done or failed, and how each cluster is."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.actions import Action, Decision, RecordEnvironment, RecordPromotion, WriteSticky, act, skip, wait
from bot.events import EnvironmentKey
from bot.observing import (
    ClusterSeen,
    EnvironmentSeen,
    EnvironmentState,
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

LOOK_AGAIN = timedelta(seconds=20)
"""A roll-out is also polled, because Flux's events may be lost (failures F2, F3)."""

OPEN: frozenset[PromotionState] = frozenset({"waiting", "ready", "merging", "applied"})
FOLLOWED: frozenset[PromotionState] = OPEN | {"failed", "done", "bypassed", "downgraded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFacts:
    """An environment, its promotions (newest first), and what was recorded of its clusters."""

    key: EnvironmentKey
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    releases: tuple[ReleaseRecord, ...]
    states: tuple[EnvironmentState, ...]


async def observe(key: EnvironmentKey, observer: Observer) -> RolloutFacts:
    """Read Git, the clusters and the journal."""
    promotions = await observer.promotions(key.owner)
    return RolloutFacts(
        key=key,
        seen=await observer.environment(key),
        promotions=tuple(promotion for promotion in promotions if promotion.key == key),
        releases=await observer.releases(key.owner),
        states=await observer.environment_states(key),
    )


def decide(facts: RolloutFacts, policy: Policy, now: datetime) -> Decision:
    """Bring the promotion of the declared release to where the clusters say it is."""
    release = facts.seen.declared
    records = clusters_changed(facts, now)
    if release is None:
        return skip(*records, because="Git declares no release here")
    before = followed(facts, release)
    after = advance(before or begin(facts, release, policy, now), facts.seen, now)
    actions: list[Action] = [*records, *overtaken(facts, release, now)]
    if after != before:
        actions += [RecordPromotion(promotion=after), *tell(before, after)]
    if after.state in OPEN:
        return wait(*actions, because=after.because, look_again=LOOK_AGAIN)
    return act(*actions, because=after.because) if actions else skip(because=after.because)


def followed(facts: RolloutFacts, release: Release) -> Promotion | None:
    """The promotion under way or ended of what Git declares; a declined or superseded one begins anew."""
    alike = (promotion for promotion in facts.promotions if promotion.release.id == release.id)
    return next((promotion for promotion in alike if promotion.state in FOLLOWED), None)


def begin(facts: RolloutFacts, release: Release, policy: Policy, now: datetime) -> Promotion:
    """A release that Git declares without a promotion of ours: the baseline, dev's own, or a person's."""
    attempt = sum(promotion.release.id == release.id for promotion in facts.promotions)
    baseline = any(record.release.id == release.id and record.baseline for record in facts.releases)
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


def beside_us(facts: RolloutFacts, release: Release) -> PromotionState:
    """Written into Git without our merge request: a downgrade, or past the gates (failures F11)."""
    healthy = next((promotion for promotion in facts.promotions if promotion.healthy_at), None)
    older = healthy is not None and compare_versions(release.version, healthy.release.version) == "older"
    return "downgraded" if older else "bypassed"


def advance(promotion: Promotion, seen: EnvironmentSeen, now: datetime) -> Promotion:
    """The promotion as the clusters show it; what ended well stays so, whatever its health does later."""
    if promotion.state == "done":
        return promotion
    state, because = standing(promotion.release, seen)
    healthy_at = promotion.healthy_at or (now if state == "done" else None)
    if promotion.state in ("bypassed", "downgraded"):
        state = promotion.state
        because = f"{promotion.release.name} was written into Git beside the gates ({state}); {because}"
    if promotion.state == "waiting":
        state = "bypassed"
        because = f"{promotion.release.name} was merged while a gate was not green; {because}"
    changed = (state, because, healthy_at) != (promotion.state, promotion.because, promotion.healthy_at)
    return replace(promotion, state=state, because=because, healthy_at=healthy_at, updated_at=now) if changed else promotion


def standing(release: Release, seen: EnvironmentSeen) -> tuple[PromotionState, str]:
    """Where the clusters are with a release: all healthy, any failed, any trying, or none yet."""
    trying = [cluster for cluster in seen.clusters if is_release(cluster.attempt, release)]
    if failed := [cluster for cluster in trying if cluster.health == "failed"]:
        return "failed", f"{release.name} failed: {sentences(failed)}"
    arrived = [cluster for cluster in seen.clusters if is_release(cluster.release, release)]
    if seen.clusters and len(arrived) == len(seen.clusters) and seen.health == "healthy":
        return "done", f"{release.name} runs and is healthy in {places(arrived)}"
    if trying or arrived:
        return "applied", f"{release.name} is being rolled out: {seen.trouble}"
    return "merging", f"{release.name} is in Git; {seen.trouble or 'no cluster has applied it yet'}"


def is_release(found: Release | None, release: Release) -> bool:
    """The same set of images, whatever it is called."""
    return found is not None and found.id == release.id


def places(clusters: list[ClusterSeen]) -> str:
    """Cluster names, for a sentence."""
    return ", ".join(cluster.cluster for cluster in clusters)


def sentences(clusters: list[ClusterSeen]) -> str:
    """What each cluster says, for a sentence."""
    return "; ".join(f"{cluster.cluster} says {cluster.because}" for cluster in clusters)


def overtaken(facts: RolloutFacts, release: Release, now: datetime) -> list[RecordPromotion]:
    """Promotions that were landing when Git moved on: the cluster may never show them (failures F5)."""
    landing = [p for p in facts.promotions if p.state in ("merging", "applied") and p.release.id != release.id]
    because = f"superseded: Git declares {release.name} now"
    return [RecordPromotion(promotion=replace(p, state="superseded", because=because, updated_at=now)) for p in landing]


def tell(before: Promotion | None, after: Promotion) -> list[WriteSticky]:
    """The merge request that brought it shows how it ended; in between it is left alone."""
    if after.merge_request is None or after.state in OPEN:
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


def clusters_changed(facts: RolloutFacts, now: datetime) -> list[RecordEnvironment]:
    """A record for each cluster that shows something else than was recorded."""
    known = {state.cluster: state for state in facts.states}
    fresh = [state_of(facts.key, cluster, known.get(cluster.cluster), now) for cluster in facts.seen.clusters]
    return [RecordEnvironment(state=state) for state in fresh if state != known.get(state.cluster)]


def state_of(
    key: EnvironmentKey, cluster: ClusterSeen, known: EnvironmentState | None, now: datetime
) -> EnvironmentState:
    """How a cluster is now, with the moment since when."""
    release_id = cluster.release.id if cluster.release else ""
    same_release = known is not None and known.release_id == release_id
    same = known is not None and same_release and known.health == cluster.health
    return EnvironmentState(
        key=key,
        cluster=cluster.cluster,
        release_id=release_id,
        version=cluster.release.version if cluster.release else "",
        revision=cluster.revision,
        health=cluster.health,
        ever_healthy=cluster.health == "healthy" or (same_release and known is not None and known.ever_healthy),
        because=cluster.because,
        since=known.since if known and same else now,
    )


RULE = Rule(name="rollout", about=EnvironmentKey, facts=RolloutFacts, observe=observe, decide=decide)
