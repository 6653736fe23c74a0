"""How each cluster of an environment is, remembered with the moment since when."""

from dataclasses import replace
from datetime import datetime

from bot.actions import RecordEnvironment
from bot.events import EnvironmentKey
from bot.observing import ClusterSeen, EnvironmentSeen, EnvironmentState
from handlers.standing import carried_over, leftover


def clusters_changed(
    key: EnvironmentKey, seen: EnvironmentSeen, states: tuple[EnvironmentState, ...], now: datetime
) -> list[RecordEnvironment]:
    """A record for each cluster that shows something else than was recorded."""
    known = {state.cluster: state for state in states}
    fresh = [state_of(key, cluster, known.get(cluster.cluster), now) for cluster in seen.clusters]
    return [RecordEnvironment(state=state) for state in fresh if state != known.get(state.cluster)]


def state_of(
    key: EnvironmentKey, cluster: ClusterSeen, known: EnvironmentState | None, now: datetime
) -> EnvironmentState:
    """How a cluster is now, with the moment since when; what it ran is kept while it is away."""
    if cluster.away and known is not None:
        because = f"{cluster.because}{carried_over(known.because)}"
        since = known.since if known.health == cluster.health else now
        return replace(known, health=cluster.health, because=because, since=since)
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
        because=f"{cluster.because}{leftover(cluster)}",
        since=known.since if known and same else now,
    )
