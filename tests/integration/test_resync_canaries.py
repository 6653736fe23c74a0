"""Canaries are watched, so that the application is looked at again although every hook of Flagger's was lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from canary_worlds import MemoryCluster, rollout_policy
from rule_worlds import APPLICATION

from bot.clients.kubernetes import Change
from bot.clock import FixedClock
from bot.journal import Journal
from bot.keys import ApplicationKey
from bot.recalling import Recall
from bot.resync import Resync
from bot.tenants import Tenant, Tenants

LONG = timedelta(hours=1)
OWNER = ApplicationKey("team", APPLICATION)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(f"sqlite:///{tmp_path}/journal.db", FixedClock(datetime(2026, 11, 23, tzinfo=UTC)))
    yield opened
    await opened.close()


def canary(phase: str, name: str = "web", **status: Any) -> Change:
    meta = {"namespace": "shop", "name": name}
    spec = {"targetRef": {"kind": "Deployment", "name": name}}
    return Change(how="changed", object={"metadata": meta, "spec": spec, "status": {"phase": phase, **status}})


@contextlib.asynccontextmanager
async def watching(journal: Journal, cluster: MemoryCluster, tenants: Tenants) -> AsyncIterator[None]:
    resync = Resync(
        journal=journal,
        tenants=tenants,
        recall=Recall(journal, tenants),
        clusters={cluster.name: cluster},
        every=LONG,
        sweep_every=LONG,
    )
    task = asyncio.create_task(resync.watch_canaries(cluster.name, cluster))
    try:
        async with asyncio.timeout(10):
            await asyncio.wait([task, asyncio.create_task(cluster.told.wait())], return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        cluster.told.set()
        task.cancel()
        await asyncio.wait([task])


def governed() -> Tenants:
    tenants = Tenants([Tenant(name="team", config_project="team/config", branch="main", projects=("**",))])
    tenants.learn("team", rollout_policy())
    return tenants


async def test_a_canary_that_moved_on_makes_its_application_dirty(journal: Journal) -> None:
    cluster = MemoryCluster()
    cluster.changes = [canary("Failed")]

    async with watching(journal, cluster, governed()):
        claims = await journal.claim("here", lease=LONG, limit=5)

    assert [claim.key for claim in claims] == [OWNER]


async def test_ticks_that_only_move_weights_cost_nothing(journal: Journal) -> None:
    cluster = MemoryCluster()
    cluster.changes = [canary("Progressing", canaryWeight=weight) for weight in range(100)]

    async with watching(journal, cluster, governed()):
        (claim,) = await journal.claim("here", lease=LONG, limit=5)

    assert claim.to_seq == 1, "one hundred ticks made it dirty once"


async def test_a_canary_no_policy_names_is_none_of_our_business(journal: Journal) -> None:
    cluster = MemoryCluster()
    cluster.changes = [canary("Failed", name="other")]

    async with watching(journal, cluster, governed()):
        assert await journal.claim("here", lease=LONG, limit=5) == []


@pytest.mark.parametrize("name", ["two", "one"])
async def test_only_clusters_whose_canaries_a_policy_names_are_watched(journal: Journal, name: str) -> None:
    cluster = MemoryCluster(name)

    async with watching(journal, cluster, governed()):
        assert cluster.watched == (["Canary"] if name == "two" else [])
