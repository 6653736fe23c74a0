"""Where the clusters of an environment are with a release, in a word and a sentence."""

from dataclasses import replace

from bot.observing import ClusterSeen, EnvironmentSeen, Promotion, PromotionState, Release
from handlers.failing import canary_evidence, later_evidence, own_evidence


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


def attributed(seen: EnvironmentSeen, promotions: tuple[Promotion, ...]) -> EnvironmentSeen:
    """The environment without failures of canaries that are another release's.

    Flagger's phase stays Failed until it notices a new revision, whatever the target Deployment carries by then
    (Flagger 1.41, shouldAdvance). promotions: those of this environment.
    """
    return replace(seen, clusters=tuple(own_failure(cluster, promotions) for cluster in seen.clusters))


def own_failure(cluster: ClusterSeen, promotions: tuple[Promotion, ...]) -> ClusterSeen:
    """The cluster as it is, or progressing when its canary still speaks of a failure before."""
    release, canary = cluster.attempt, cluster.canary
    if canary is None or release is None or (cluster.health, cluster.failing) != ("failed", "canary"):
        return cluster
    if canary_evidence(cluster.cluster, canary) not in spoken_for(release, promotions):
        return cluster
    because = f"canary {canary.name} has not noticed {release.name} yet, {canary.phase} is of one before"
    return replace(cluster, health="progressing", because=because, failing=None)


def spoken_for(release: Release, promotions: tuple[Promotion, ...]) -> frozenset[str]:
    """Evidence that is not this release's failure: another's, or what a canary said while nothing was on its way."""
    failures = [(promotion.release.id, promotion.failure) for promotion in promotions if promotion.failure]
    others = {own_evidence(failure) for whose, failure in failures if whose != release.id}
    return frozenset(others.union(*(later_evidence(failure) for _, failure in failures)))


def is_release(found: Release | None, release: Release) -> bool:
    """The same set of images, whatever it is called."""
    return found is not None and found.id == release.id


def places(clusters: list[ClusterSeen]) -> str:
    """Cluster names, for a sentence."""
    return ", ".join(cluster.cluster for cluster in clusters)


def sentences(clusters: list[ClusterSeen]) -> str:
    """What each cluster says, for a sentence."""
    return "; ".join(f"{cluster.cluster} says {cluster.because}" for cluster in clusters)
