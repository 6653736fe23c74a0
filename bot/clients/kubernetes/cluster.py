"""One cluster by name: its objects got, listed and watched, as plain JSON."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from bot.clients.kubernetes.connection import Connection, Gone
from bot.clients.kubernetes.kinds import RESOURCES, Kind
from bot.clients.kubernetes.watching import Change, Known, events
from bot.clock import Clock, SystemClock
from bot.errors import SluiceError

log = structlog.get_logger(__name__)
OnChange = Callable[[Change], Awaitable[None]]

PAGE_SIZE = "500"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between attempts of a broken watch: the first, and the most after doubling; the half of each is chance."""


class Cluster:
    """A cluster Sluice observes. `kubeconfig` None: the one it runs in. Errors are TemporaryError or PermanentError."""

    def __init__(
        self, name: str, kubeconfig: Path | None, context: str | None = None, *, clock: Clock | None = None
    ) -> None:
        self.name = name
        self._connection = Connection(name, kubeconfig, context)
        self._clock = clock or SystemClock()
        self._heard: dict[Kind, datetime] = {}

    async def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        """One object, or None; PermanentError when the right is missing or the cluster has no such kind."""
        resource = RESOURCES[kind]
        return await self._connection.json(resource, "get", resource.path(namespace, name), {})

    async def list(
        self, kind: Kind, namespace: str | None = None, *, fields: Mapping[str, str] | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        """All objects of a kind and the resourceVersion to watch from; each carries its apiVersion and kind.

        fields: only those whose fields equal these (a field selector; which fields can be is the kind's own affair).
        """
        resource = RESOURCES[kind]
        items: list[dict[str, Any]] = []
        first = {"limit": PAGE_SIZE} | _selected(fields)
        query = first
        while True:
            page = await self._connection.json(resource, "list", resource.path(namespace), query)
            if page is None:
                raise self._connection.refused(resource, "list", 404, b"")
            items += [{"apiVersion": resource.api_version, "kind": kind} | item for item in page.get("items") or []]
            meta = page.get("metadata") or {}
            if not meta.get("continue"):
                self._heard[kind] = self._clock.now()
                return items, str(meta.get("resourceVersion") or "")
            query = first | {"continue": str(meta["continue"])}

    async def watch(self, kind: Kind, on_change: OnChange, namespace: str | None = None) -> None:
        """Call `on_change` for every object that appears, changes or goes, for ever; cancel the task to stop.

        Nothing stays lost: after a break the kind is listed again and only the differences are told. Faults are logged
        and tried again after a pause, missing rights too, since somebody may grant them.
        """
        known, failures = Known(), 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._observe(kind, namespace, known, on_change)
            except Gone:
                log.info("watch too old, listing again", cluster=self.name, kind=kind)
            except SluiceError as error:
                log.warning("watch broken", cluster=self.name, kind=kind, because=str(error), failures=failures)
            if asyncio.get_running_loop().time() - began > LONGEST_PAUSE:
                failures = 0
            await self.sleep(_pause(failures))
            failures += 1

    def heard(self, kind: Kind) -> datetime | None:
        """When the cluster last answered about this kind: silence for too long means unknown, never healthy."""
        return self._heard.get(kind)

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up anything else."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def _observe(self, kind: Kind, namespace: str | None, known: Known, on_change: OnChange) -> None:
        """List once, then watch request after watch request, until something breaks."""
        items, version = await self.list(kind, namespace)
        for change in known.differences(items):
            await _tell(known, change, on_change)
        while True:
            began = asyncio.get_running_loop().time()
            version = await self._follow(kind, namespace, version, known, on_change)
            if asyncio.get_running_loop().time() - began < FIRST_PAUSE:
                await self.sleep(FIRST_PAUSE)

    async def _follow(self, kind: Kind, namespace: str | None, version: str, known: Known, on_change: OnChange) -> str:
        """Tell the changes of one watch request; the version to go on from when the server ends it."""
        async for event in events(self._connection, RESOURCES[kind], kind, namespace, version):
            self._heard[kind] = self._clock.now()
            version = event.resource_version or version
            if event.change is not None and known.is_news(event.change):
                await _tell(known, event.change, on_change)
        self._heard[kind] = self._clock.now()
        return version


async def _tell(known: Known, change: Change, on_change: OnChange) -> None:
    # Learned only when it was taken: what a failing `on_change` missed is told again after the next list.
    await on_change(change)
    known.learn(change)


def _selected(fields: Mapping[str, str] | None) -> dict[str, str]:
    return {"fieldSelector": ",".join(f"{name}={text}" for name, text in fields.items())} if fields else {}


def _pause(failures: int) -> float:
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures) if failures < 10 else LONGEST_PAUSE
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
