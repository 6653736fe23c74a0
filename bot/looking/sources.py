"""What a Flux object carries: for each application and environment the images at its applied revision, and health."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.keys import SourceKey
from bot.looking.cluster_truth import ClusterTruth
from bot.looking.git_truth import GitTruth
from bot.observing import ClusterSeen
from bot.records import Carried, SourceState
from bot.releases import Release
from bot.tenants import Tenant, Tenants


@dataclass(slots=True)
class SourceTruth:
    """Reads one object for all tenants that it serves."""

    tenants: Tenants
    git: Mapping[str, GitTruth]
    clusters: ClusterTruth

    async def read(self, key: SourceKey) -> SourceState:
        """The lines of every application the object carries, sorted."""
        lines = [line for tenant in self.tenants for line in await self._of_tenant(tenant, key)]
        return SourceState(carried=tuple(sorted(lines)))

    async def _of_tenant(self, tenant: Tenant, key: SourceKey) -> list[Carried]:
        policy = self.tenants.policy(tenant.name)
        lines: list[Carried] = []
        for application, environment in policy.applications_of(key.cluster, key.namespace, key.name):
            here = policy.environment(application, environment)
            file = policy.release_file(application, environment)
            seen = await self.clusters.in_cluster(key.cluster, self.git[tenant.name], here, file)
            lines.append(_line(tenant, application, environment, seen))
        return lines


def _line(tenant: Tenant, application: str, environment: str, seen: ClusterSeen) -> Carried:
    return Carried(
        tenant=tenant.name,
        application=application,
        environment=environment,
        images=(*_images("applied", seen.release), *_images("tried", seen.attempt)),
        health=seen.health,
    )


def _images(word: str, release: Release | None) -> tuple[str, ...]:
    return tuple(f"{word} {image}" for image in release.images) if release else ()
