"""What webhooks missed: config repositories are looked at each minute, clusters are watched, the rest slowly swept.

Events are hints and may all be lost; this is what makes the bot converge without any (design section 1).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from bot.clients.kubernetes import Change, Cluster, summarise_canary
from bot.errors import PermanentError, TemporaryError
from bot.journal import Journal
from bot.keys import ApplicationKey, ConfigKey, SourceKey
from bot.looking.canary_truth import CANARY
from bot.looking.cluster_truth import KUSTOMIZATION
from bot.recalling import Recall
from bot.routing import canary_keys
from bot.tenants import Tenants

log = structlog.get_logger(__name__)

Doing = Callable[[], Awaitable[None]]
Standing = tuple[str, str, str] | None
"""Phase, last applied and last promoted spec of a canary; None for one of another shape (its own look says so)."""


POLICY_COMES = timedelta(seconds=2)
"""Between two looks at whether a policy names canaries yet: a bot that just began has read none, and asking is free."""


@dataclass(slots=True)
class Moved:
    """Where each canary stood when its change was last taken."""

    known: dict[tuple[str, str], Standing] = field(default_factory=dict)

    def is_news(self, change: Change) -> bool:
        """Whether it stands elsewhere than was taken; a canary that went always does."""
        if change.how == "deleted" or change.key not in self.known:
            return True
        return self.known[change.key] != standing_of(change)

    def learn(self, change: Change) -> None:
        """Take it in."""
        if change.how == "deleted":
            self.known.pop(change.key, None)
        else:
            self.known[change.key] = standing_of(change)


def standing_of(change: Change) -> Standing:
    """What of a canary is worth a look."""
    try:
        found = summarise_canary(change.object)
    except PermanentError:
        return None
    return found.phase, found.last_applied_spec, found.last_promoted_spec


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
                watching = partial(self.watch_canaries, name, cluster)
                tasks.create_task(self._repeat(watching, min(self.every, POLICY_COMES)))

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

    async def watch_canaries(self, name: str, cluster: Cluster) -> None:
        """Canaries tell by themselves when they move on; returns at once while no policy names one in the cluster.

        So Flagger's hooks may all be lost. Its weights and counters change at each tick and are not told.
        """
        if not self._has_canaries(name):
            return
        moved = Moved()

        async def changed(change: Change) -> None:
            keys = list(canary_keys(name, *change.key, self.tenants))
            if keys and moved.is_news(change):
                await self.journal.dirty(keys, because=f"{name} shows a change of canary {'/'.join(change.key)}")
                moved.learn(change)

        await cluster.watch(CANARY, changed)

    def _has_canaries(self, cluster: str) -> bool:
        return any(
            here.canary is not None and cluster in here.clusters
            for policy in self.tenants.policies().values()
            for name in policy.applications
            for here in (policy.environment(name, environment) for environment in policy.environments_of(name))
        )

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
