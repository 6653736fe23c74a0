"""Gate: nothing is promoted onto an environment that is failing, or still rolling something out."""

from bot.actions import Gate
from bot.observing import EnvironmentSeen, Release


def judge(seen: EnvironmentSeen) -> Gate:
    """Green only when every cluster is healthy; unknown is never healthy (failures F12)."""
    name = "target settled"
    if seen.declared is None:
        return Gate(name=name, verdict="green", because=f"nothing runs in {seen.environment} yet")
    if not seen.clusters:
        return Gate(name=name, verdict="red", because=f"no cluster is known to carry {seen.environment}")
    match seen.health:
        case "healthy" | "progressing" if arrived(seen.declared, seen):
            return Gate(name=name, verdict="green", because=f"{seen.environment} runs {seen.declared.name}")
        case "failed":
            return Gate(name=name, verdict="red", because=f"{seen.environment} is failing: {seen.trouble}")
        case "unknown":
            because = f"the health of {seen.environment} is unknown: {seen.trouble}"
            return Gate(name=name, verdict="red", because=because)
        case "healthy" | "progressing":
            because = f"{seen.environment} is still rolling out {seen.declared.name}"
            return Gate(name=name, verdict="waiting", because=because)


def arrived(declared: Release, seen: EnvironmentSeen) -> bool:
    """Every cluster has applied it and tries nothing else.

    A Kustomization that applies another commit of the same repository is progressing for a moment without rolling
    anything out: that must not close a gate that was green.
    """
    found = [release for cluster in seen.clusters for release in (cluster.release, cluster.attempt)]
    return all(release is not None and release.id == declared.id for release in found)
