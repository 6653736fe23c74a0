"""Outages, limits and lost or doubled webhooks delay a release; they neither lose nor double anything."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from postgresql_server import PostgresqlServer
from running import Running, running, settings_for
from running_promotions import (
    ENVIRONMENTS,
    Seen,
    doubled,
    look,
    release,
    to_production,
    until_quiet,
    until_told,
)

from bot.app import App

OF_THE_BOT = r"/(statuses|deployments|merge_requests|notes)(/\w+)?$"
"""What the bot writes; a merge is left out, because the maintainer's is not tried again."""
READ_BY_THE_BOT = r"/demo%2Fdemo-service/repository/compare$"
"""What nobody but the bot reads here."""

SECOND = timedelta(seconds=1)
SOON: dict[str, Any] = {"resync_every": SECOND, "sweep_every": SECOND}


async def test_gitlab_away_for_a_while_delays_a_release_and_doubles_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, **SOON) as world:
        await world.adopt()
        commit = await release(world, "1.1.0")
        await until_told(world, commit, "dev")

        await world.control("faults", target="gitlab", kind="away")
        await asyncio.sleep(4)  # not a wait for something: the outage itself
        await world.control("faults", "DELETE")
        await to_production(world, commit)
        await until_quiet(world)

        assert_shipped_once(world, await look(world, commit))


async def test_a_rate_limit_is_waited_out(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        for method, path in (("GET", READ_BY_THE_BOT), ("POST", OF_THE_BOT), ("PUT", OF_THE_BOT)):
            await world.control("faults", target="gitlab", kind="429", times=1, retry_after=1, method=method, path=path)

        commit = await release(world, "1.1.0")
        await to_production(world, commit)
        await until_quiet(world)

        assert [fault.times for fault in world.sandbox.gitlab.faults.planned] == [0, 0, 0]
        assert_shipped_once(world, await look(world, commit))


@pytest.mark.parametrize("after_effect", [False, True], ids=["before the effect", "after the effect"])
async def test_bursts_of_server_errors_double_nothing(tmp_path: Path, after_effect: bool) -> None:
    async with running(tmp_path, **SOON) as world:
        await world.adopt()
        await until_quiet(world)
        for method, kind in (("POST", "502"), ("POST", "empty"), ("POST", "reset"), ("POST", "html"), ("PUT", "503")):
            fault = {"kind": kind, "times": 1, "method": method, "path": OF_THE_BOT, "after_effect": after_effect}
            await world.control("faults", target="gitlab", **fault)

        commit = await release(world, "1.1.0")
        await to_production(world, commit)
        await until_quiet(world)

        assert sum(fault.times or 0 for fault in world.sandbox.gitlab.faults.planned) == 0
        assert_shipped_once(world, await look(world, commit))


async def test_every_webhook_dropped_converges_by_resync(tmp_path: Path) -> None:
    async with running(tmp_path, **SOON) as world:
        await world.control("hooks", target="gitlab", drop_all=True)
        await world.control("hooks", target="flux", drop=1.0)
        await world.control("hooks", target="flagger", drop=True)
        await world.adopt()

        commit = await release(world, "1.1.0")
        await to_production(world, commit)
        await until_quiet(world)

        received = (await world.api("deliveries"))["deliveries"]
        # Gates are questions: Flagger stands still until they are answered, so they cannot be lost.
        assert {one["endpoint"].split("/")[0] for one in received} <= {"registry", "gates"}
        assert_shipped_once(world, await look(world, commit))


@pytest.mark.parametrize("duplicate", ["same-key", "second-hook"])
async def test_webhooks_doubled_delayed_and_shuffled_change_nothing(tmp_path: Path, duplicate: str) -> None:
    async with running(tmp_path) as world:
        await world.control("hooks", target="gitlab", duplicate=duplicate, delay=0.1, shuffle_within=0.5)
        await world.control("hooks", target="flux", duplicate=1.0, delay=0.1, shuffle=3, seed=7)
        await world.adopt()

        commit = await release(world, "1.1.0")
        await to_production(world, commit)
        await until_quiet(world)

        assert_shipped_once(world, await look(world, commit))


async def test_two_bots_on_one_database_do_everything_once(tmp_path: Path, postgresql_server: PostgresqlServer) -> None:
    url = postgresql_server.create_database()
    async with running(tmp_path, database_url=url, **SOON) as world:
        other = await App.start(settings_for(world.facts, tmp_path / "other", database_url=url, **SOON))
        other.machine.worker.name = other.machine.worker.executor.name = "other"
        try:
            await world.adopt()
            commit = await release(world, "1.1.0")
            await to_production(world, commit)
            await until_quiet(world)
            both = {world.app.machine.worker.name, other.machine.worker.name}

            assert len(both) == 2
            assert_shipped_once(world, await look(world, commit))
        finally:
            await other.stop()
    postgresql_server.drop_database(url)


def assert_shipped_once(world: Running, seen: Seen) -> None:
    """The release is everywhere, each environment has one merge request, note, status and deployment, nothing twice."""
    assert sorted((one.environment, one.request["state"]) for one in seen.merge_requests) == [
        ("production", "merged"),
        ("staging", "merged"),
    ]
    assert [len(one.notes) for one in seen.merge_requests] == [1, 1]
    statuses = Counter((one["name"], one["status"]) for one in seen.statuses if one["name"].startswith("sluice/"))
    assert statuses == Counter({(f"sluice/{name}", "success"): 1 for name in ENVIRONMENTS})
    deployments = sorted((one["environment"]["name"], one["status"], one["sha"]) for one in seen.deployments)
    assert deployments == sorted((name, "success", seen.commit) for name in ENVIRONMENTS)
    assert doubled(world) == {}
