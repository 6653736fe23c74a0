"""Where the clusters of an environment are with a release, in a word and a sentence."""

from dataclasses import replace

from bot.events import EnvironmentKey
from bot.observing import ClusterSeen, EnvironmentSeen, EnvironmentState, Observer, Promotion, PromotionState, Release
from handlers.failing import canary_evidence

REMARK, REMARKED = " (Failed of ", " is of one before)"
"""Around the evidence of a leftover phase, at the end of what is remembered of a cluster."""


def standing(release: Release, seen: EnvironmentSeen) -> tuple[PromotionState, str]:
    """Where the clusters are with a release: all healthy, any failed, any trying, or none yet."""
    trying = tries(release, seen)
    if failed := [cluster for cluster in trying if cluster.health == "failed"]:
        return "failed", f"{release.name} failed: {sentences(failed)}"
    arrived = [cluster for cluster in seen.clusters if is_release(cluster.release, release)]
    if seen.clusters and len(arrived) == len(seen.clusters) and seen.health == "healthy":
        return "done", f"{release.name} runs and is healthy in {places(arrived)}"
    if trying or arrived:
        return "applied", f"{release.name} is being rolled out: {seen.trouble}"
    return "merging", f"{release.name} is in Git; {seen.trouble or 'no cluster has applied it yet'}"


def tries(release: Release, seen: EnvironmentSeen) -> list[ClusterSeen]:
    """The clusters that try a release, or run it and try nothing else."""
    return [cluster for cluster in seen.clusters if is_release(cluster.attempt, release)]


async def look(key: EnvironmentKey, observer: Observer, promotions: tuple[Promotion, ...]) -> EnvironmentSeen:
    """An environment as every rule that judges its health sees it. promotions: of all environments, or of this one."""
    here = tuple(promotion for promotion in promotions if promotion.key == key)
    return attributed(await observer.environment(key), here, await observer.environment_states(key))


def attributed(
    seen: EnvironmentSeen, promotions: tuple[Promotion, ...], states: tuple[EnvironmentState, ...]
) -> EnvironmentSeen:
    """The environment without failures of canaries that are another release's.

    Flagger's phase stays Failed until it notices a new revision, whatever the target Deployment carries by then
    (Flagger 1.41, shouldAdvance). promotions and states: those of this environment.
    """
    known = {state.cluster: state.because for state in states}
    clusters = [own_failure(one, promotions, known.get(one.cluster, "")) for one in seen.clusters]
    return replace(seen, clusters=tuple(clusters))


def own_failure(cluster: ClusterSeen, promotions: tuple[Promotion, ...], known: str) -> ClusterSeen:
    """The cluster as it is, or progressing when its canary still speaks of what was before. known: as last recorded."""
    release, canary = cluster.attempt, cluster.canary
    if canary is None or release is None or not canary_failed(cluster):
        return cluster
    evidence = canary_evidence(cluster.cluster, canary)
    if evidence not in spent(release, promotions) and remark(evidence) not in known:
        return cluster
    because = f"canary {canary.name} has not noticed {release.name} yet, its phase {canary.phase} is of one before"
    return replace(cluster, health="progressing", because=because, failing=None)


def spent(release: Release, promotions: tuple[Promotion, ...]) -> frozenset[str]:
    """Evidence of failures that are told already: of other releases, and of this one before it was taken back."""
    told = [p for p in promotions if p.release.id != release.id or p.state == "rolled_back"]
    return frozenset(promotion.failure.evidence for promotion in told if promotion.failure)


def canary_failed(cluster: ClusterSeen) -> bool:
    """Whether the cluster takes its canary's phase for the failure of what it tries."""
    return (cluster.health, cluster.failing) == ("failed", "canary")


def leftover(cluster: ClusterSeen) -> str:
    """What a Failed canary says of no release on its way, to be remembered with the cluster's state; else empty."""
    canary = cluster.canary
    if canary is None or canary.phase != "Failed" or canary_failed(cluster):
        return ""
    return remark(canary_evidence(cluster.cluster, canary))


def carried_over(known: str) -> str:
    """What was remembered of a leftover phase, while its cluster cannot be asked. known: as last recorded."""
    found = known.rfind(REMARK)
    return known[found:] if found >= 0 and known.endswith(REMARKED) else ""


def remark(evidence: str) -> str:
    """The words by which a leftover phase is known again."""
    return f"{REMARK}{evidence}{REMARKED}"


def is_release(found: Release | None, release: Release) -> bool:
    """The same set of images, whatever it is called."""
    return found is not None and found.id == release.id


def places(clusters: list[ClusterSeen]) -> str:
    """Cluster names, for a sentence."""
    return ", ".join(cluster.cluster for cluster in clusters)


def sentences(clusters: list[ClusterSeen]) -> str:
    """What each cluster says, for a sentence."""
    return "; ".join(f"{cluster.cluster} says {cluster.because}" for cluster in clusters)
