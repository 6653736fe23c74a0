"""What the clusters say: per application and environment the revision applied and tried, and how that fares."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.clients.kubernetes import Cluster, FluxObject
from bot.looking.git_truth import GitTruth
from bot.observing import ClusterSeen
from bot.records import Health
from bot.releases import Release
from config.policy import EnvironmentPolicy

KUSTOMIZATION = "Kustomization"
WAITING_REASONS = frozenset({"DependencyNotReady", "Progressing", "ProgressingWithRetry", "HealthCheckCanceled"})
"""Reasons of a Ready condition that time heals (Flux kustomize API v1)."""


@dataclass(slots=True)
class ClusterTruth:
    """Reads the Kustomizations of the configured clusters."""

    clusters: Mapping[str, Cluster]

    async def seen(self, git: GitTruth, environment: EnvironmentPolicy, release_file: str) -> tuple[ClusterSeen, ...]:
        """Each cluster of an environment, in the policy's order."""
        return tuple([await self._one(name, git, environment, release_file) for name in environment.clusters])

    async def _one(self, name: str, git: GitTruth, environment: EnvironmentPolicy, release_file: str) -> ClusterSeen:
        cluster = self.clusters.get(name)
        if cluster is None:
            return _unknown(name, f"no cluster {name} is configured")
        where = environment.kustomization
        found = await cluster.find(KUSTOMIZATION, where.namespace, where.name)
        if found is None:
            return _unknown(name, f"there is no Kustomization {where}")
        health, because = judge(found)
        return ClusterSeen(
            cluster=name,
            revision=found.applied_commit,
            release=await self._release(found.applied_commit, git, environment, release_file),
            attempt=await self._release(found.attempted_commit, git, environment, release_file),
            health=health,
            because=because,
        )

    async def _release(
        self, revision: str, git: GitTruth, environment: EnvironmentPolicy, release_file: str
    ) -> Release | None:
        if not revision or not await git.knows(revision):
            return None
        return (await git.written(revision, environment, release_file)).declared


def _unknown(cluster: str, because: str) -> ClusterSeen:
    return ClusterSeen(cluster=cluster, revision="", release=None, attempt=None, health="unknown", because=because)


def judge(found: FluxObject) -> tuple[Health, str]:
    """Health by Flux's conditions (kstatus): unknown is never healthy, a stale observation is progressing."""
    if found.suspended:
        return "unknown", f"Kustomization {found.name} is suspended"
    ready = found.condition("Ready")
    if ready is None or found.observed_generation != found.generation:
        return "progressing", f"Kustomization {found.name} was not looked at by Flux yet"
    if found.is_true("Stalled"):
        return "failed", _sentence(found, "Stalled")
    if ready.status == "True" and found.attempted_commit == found.applied_commit:
        return "healthy", f"Kustomization {found.name} is ready"
    if ready.status == "False" and ready.reason not in WAITING_REASONS:
        return "failed", _sentence(found, "Ready")
    return "progressing", _sentence(found, "Ready")


def _sentence(found: FluxObject, kind: str) -> str:
    condition = found.condition(kind)
    if condition is None:
        return f"Kustomization {found.name} says nothing"
    return f"{condition.reason}: {condition.message}"[:300]
