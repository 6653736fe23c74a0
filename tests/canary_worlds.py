"""A production delivered by image automation and rolled out by a canary, and a cluster in memory that shows it."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

from rule_worlds import APPLICATION, IMAGE, PROJECT

from bot.clients.kubernetes import Change, Cluster, Kind, NotServed
from bot.clients.kubernetes.cluster import OnChange
from bot.errors import SluiceError
from config.policy import EnvironmentPolicy, Policy


def rollout_policy(canary: str = "shop/web") -> Policy:
    """dev follows the build in cluster `one`; production has tags of its own."""
    application = {
        "project": PROJECT,
        "images": [IMAGE],
        "kustomization": "flux-system/demo-service-{environment}",
        "position": {
            "kind": "kustomize_images",
            "file": "apps/{environment}/kustomization.yaml",
            "image": "demo-service",
        },
        "environments": {"production": {"canary": canary}},
    }
    production = {"cluster": "two", "after": ["dev"], "delivery": "image_automation", "tag": "{version}-prod"}
    document = {
        "version": 1,
        "mode": "act",
        "environments": {"dev": {"cluster": "one", "delivery": "observe"}, "production": production},
        "applications": {APPLICATION: application},
    }
    return Policy.parse(json.dumps(document))


def production_of(policy: Policy) -> EnvironmentPolicy:
    """The environment with the canary."""
    return policy.environment(APPLICATION, "production")


class MemoryCluster(Cluster):
    """Answers from what was put into it; `fault` is raised instead when it is set, and `slow` seconds are waited.

    A watch tells `changes`, sets `told`, and goes on for ever.
    """

    def __init__(self, name: str = "two") -> None:
        super().__init__(name, None)
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.absent: set[Kind] = set()
        self.fault: SluiceError | None = None
        self.slow = 0.0
        self.asked: list[str] = []
        self.watched: list[str] = []
        self.changes: list[Change] = []
        self.told = asyncio.Event()

    def put(self, kind: Kind, namespace: str, name: str, **parts: Any) -> None:
        """Keep an object; `metadata` is added to its name and namespace."""
        meta = {"namespace": namespace, "name": name} | parts.pop("metadata", {})
        self.objects[(kind, namespace, name)] = {"kind": kind, "metadata": meta, **parts}

    async def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        await self._answering(kind)
        return self.objects.get((kind, namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None = None, *, fields: Mapping[str, str] | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        await self._answering(kind)
        found = [one for (held, where, _), one in self.objects.items() if (held, where) == (kind, namespace)]
        return [one for one in found if _selected(one, fields or {})], "1"

    async def watch(self, kind: Kind, on_change: OnChange, namespace: str | None = None) -> None:
        self.watched.append(kind)
        for change in self.changes:
            await on_change(change)
        self.told.set()
        await asyncio.Event().wait()

    async def _answering(self, kind: Kind) -> None:
        self.asked.append(kind)
        await asyncio.sleep(self.slow)
        if self.fault is not None:
            raise self.fault
        if kind in self.absent:
            raise NotServed(f"no {kind} here")


def _selected(document: dict[str, Any], fields: Mapping[str, str]) -> bool:
    return all(document[outer][inner] == text for (outer, inner), text in _paths(fields))


def _paths(fields: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    for path, text in fields.items():
        outer, _, inner = path.partition(".")
        yield (outer, inner), text


def put_canary(cluster: MemoryCluster, phase: str, *, target: str, primary: str, kind: str = "Deployment") -> None:
    """The canary shop/web with what its two Deployments carry."""
    status = {"phase": phase, "lastAppliedSpec": "59968b6cb7", "lastPromotedSpec": "7694544894"}
    cluster.put("Canary", "shop", "web", spec={"targetRef": {"kind": kind, "name": "web"}}, status=status)
    for name, image in (("web", target), ("web-primary", primary)):
        template = {"spec": {"containers": [{"name": "web", "image": image}]}}
        cluster.put("Deployment", "shop", name, spec={"template": template})


def put_kustomization(cluster: MemoryCluster, revision: str, reason: str = "ReconciliationSucceeded") -> None:
    """The Kustomization of production, which tried a revision, and applied it unless it failed."""
    ready = {"type": "Ready", "status": "True" if reason == "ReconciliationSucceeded" else "False", "reason": reason}
    applied = f"main@sha1:{revision}"
    cluster.put(
        "Kustomization",
        "flux-system",
        "demo-service-production",
        metadata={"generation": 1},
        status={
            "observedGeneration": 1,
            "conditions": [ready],
            "lastAppliedRevision": applied,
            "lastAttemptedRevision": applied,
        },
    )


def put_event(cluster: MemoryCluster, number: int, message: str, about: str = "web") -> None:
    """A sentence of Flagger's, said in this minute."""
    cluster.put(
        "Event",
        "shop",
        f"{about}.{number}",
        message=message,
        lastTimestamp=f"2026-11-23T07:{number:02}:00Z",
        involvedObject={"kind": "Canary", "namespace": "shop", "name": about},
    )
