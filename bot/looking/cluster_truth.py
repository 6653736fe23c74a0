"""What the clusters say: per application and environment the revision applied and tried, and how that fares."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.clients.kubernetes import Cluster, FluxObject, Kind, summarise
from bot.looking.git_truth import GitTruth
from bot.observing import ClusterSeen
from bot.records import Health
from bot.releases import Release
from config.policy import EnvironmentPolicy

KUSTOMIZATION: Kind = "Kustomization"
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
            return _unknown(name, f"cluster {name} is not read through its API")
        where = environment.kustomization
        document = await cluster.get(KUSTOMIZATION, where.namespace, where.name)
        if document is None:
            return _unknown(name, f"there is no Kustomization {where}")
        found = summarise(document)
        health, because = judge(found)
        applied = applied_commit(found)
        return ClusterSeen(
            cluster=name,
            revision=applied,
            release=await self._release(applied, git, environment, release_file),
            attempt=await self._release(commit_of(found.last_attempted_revision), git, environment, release_file),
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


REVISION = re.compile(r"(?:.*@sha1:|.*/|)([0-9a-f]{40})")
"""`branch@sha1:<sha>`, `tag@sha1:<sha>`, the legacy `branch/<sha>`, or a bare sha (Flux source API v1)."""


def commit_of(revision: str) -> str:
    """The Git commit of a Flux revision, empty for one of another kind (an OCI digest, a chart version)."""
    found = REVISION.fullmatch(revision)
    return found[1] if found else ""


def applied_commit(found: FluxObject) -> str:
    """The commit last applied: for an OCI artifact that of its origin, as Flux itself looks it up."""
    return commit_of(found.last_applied_origin_revision) or commit_of(found.last_applied_revision)


def judge(found: FluxObject) -> tuple[Health, str]:
    """Health by Flux's conditions (kstatus): unknown is never healthy, a stale observation is progressing."""
    if found.suspended:
        return "unknown", f"Kustomization {found.name} is suspended"
    ready = found.condition("Ready")
    if ready is None or found.observed_generation != found.generation:
        return "progressing", f"Kustomization {found.name} was not looked at by Flux yet"
    stalled = found.condition("Stalled")
    if stalled is not None and stalled.status == "True":
        return "failed", _sentence(found, "Stalled")
    if ready.status == "True" and found.last_attempted_revision in ("", found.last_applied_revision):
        return "healthy", f"Kustomization {found.name} is ready"
    if ready.status == "False" and ready.reason not in WAITING_REASONS:
        return "failed", _sentence(found, "Ready")
    return "progressing", _sentence(found, "Ready")


def _sentence(found: FluxObject, kind: str) -> str:
    condition = found.condition(kind)
    if condition is None:
        return f"Kustomization {found.name} says nothing"
    return f"{condition.reason}: {condition.message}"[:300]
