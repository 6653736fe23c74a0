"""Where the clusters of an environment are with a release, in a word and a sentence."""

from bot.observing import ClusterSeen, EnvironmentSeen, PromotionState, Release


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
