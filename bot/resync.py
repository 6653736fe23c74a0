"""What webhooks missed: config repositories are looked at each minute, clusters are watched, the rest slowly swept.

Events are hints and may all be lost; this is what makes the bot converge without any (design section 1).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.clients.kubernetes import Change, Cluster
from bot.errors import TemporaryError
from bot.journal import Journal
from bot.keys import ApplicationKey, ConfigKey, SourceKey
from bot.looking.cluster_truth import KUSTOMIZATION
from bot.recalling import Recall
from bot.tenants import Tenants

log = structlog.get_logger(__name__)

Doing = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Makes keys dirty by time; what is unchanged then costs a look and no writes."""

    journal: Journal
    tenants: Tenants
    recall: Recall
    clusters: Mapping[str, Cluster]
    every: timedelta
    sweep_every: timedelta

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(self.look_at_configurations, self.every))
            tasks.create_task(self._repeat(self.sweep, self.sweep_every))
            for name, cluster in self.clusters.items():
                tasks.create_task(self.watch(name, cluster))

    async def look_at_configurations(self) -> None:
        """Each config repository: one fetch, one list of merge requests, and only what moved is looked at further."""
        await self.recall.all()
        keys = [ConfigKey(tenant.name) for tenant in self.tenants]
        await self.journal.dirty(keys, because="webhooks may have been missed")

    async def sweep(self) -> None:
        """Every application, for what only its own project or a registry shows."""
        keys = [
            ApplicationKey(tenant.name, name)
            for tenant in self.tenants
            for name in self.tenants.policy(tenant.name).applications
        ]
        await self.journal.dirty(keys, because="the slow sweep")

    async def watch(self, name: str, cluster: Cluster) -> None:
        """A cluster's Kustomizations tell by themselves when they change."""

        async def changed(change: Change) -> None:
            namespace, object_name = change.key
            if self._governed(name, namespace, object_name):
                key = SourceKey(name, namespace, object_name)
                await self.journal.dirty([key], because=f"{name} shows a change of {namespace}/{object_name}")

        await cluster.watch(KUSTOMIZATION, changed)

    def _governed(self, cluster: str, namespace: str, name: str) -> bool:
        """Other Kustomizations of the cluster are none of our business."""
        return any(policy.applications_of(cluster, namespace, name) for policy in self.tenants.policies().values())

    async def _repeat(self, what: Doing, every: timedelta) -> None:
        while True:
            try:
                await what()
            except TemporaryError as error:
                log.warning("resync is tried again", because=str(error))
            await asyncio.sleep(every.total_seconds())
