"""What the sandbox GitLab can be told to do wrong, and what it writes down about every request."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.gitlab import AccessLevel, GitLab, Project
from bot.sandbox.gitlab.faults import FaultKind


@dataclass(slots=True, kw_only=True)
class World:
    """A sandbox with one project, its bot's client, and the webhooks that arrived."""

    lab: GitLab
    project: Project
    http: aiohttp.ClientSession
    keys: list[str] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        return web.Response(status=202)

    async def commit(self) -> str:
        sha = await self.lab.commit_files(self.project, "main", {"x": str(len(self.keys))}, "x", self.lab.user("root"))
        await self.lab.settle()
        return sha


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    lab = GitLab(tmp_path, lambda: datetime.now(UTC))
    await lab.start()
    root, bot = lab.create_user("root", "Administrator", admin=True), lab.create_user("sluice", "Sluice")
    project = await lab.create_project("shop/config", creator=root)
    lab.add_member(project, bot, AccessLevel.MAINTAINER)
    headers = {"PRIVATE-TOKEN": lab.create_token(bot)}
    async with aiohttp.ClientSession(f"{lab.url}/api/v4/", headers=headers) as http:
        made = World(lab=lab, project=project, http=http)
        app = web.Application()
        app.router.add_post("/hook", made.hear)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        lab.add_hook(project, f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
        yield made
        await lab.stop()
        await runner.cleanup()


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("429", 429, "Retry later\n"),
        ("500", 500, '{"message": "500 Internal Server Error"}'),
        ("503", 503, "GitLab is not responding"),
        ("html", 502, "<html><h1>502 Bad Gateway</h1></html>"),
        ("empty", 500, ""),
        ("list", 500, '["500 Internal Server Error"]'),
    ],
)
async def test_planned_fault_answers_oddly_once(world: World, kind: FaultKind, status: int, body: str) -> None:
    world.lab.faults.add(kind, times=1)

    disturbed = await world.http.get("version")

    assert (disturbed.status, await disturbed.text()) == (status, body)
    assert (await world.http.get("version")).status == 200


async def test_reset_drops_the_connection(world: World) -> None:
    world.lab.faults.add("reset", times=1)

    with pytest.raises(aiohttp.ClientError):
        await world.http.post("projects", json={})


async def test_away_refuses_everything_until_it_is_back(world: World) -> None:
    world.lab.faults.away = True
    with pytest.raises(aiohttp.ClientError):
        await world.http.get("version")

    world.lab.faults.away = False

    assert (await world.http.get("version")).status == 200


async def test_effect_may_happen_although_the_answer_is_lost(world: World) -> None:
    await world.commit()
    world.lab.faults.add("reset", times=1, method="POST", after_effect=True)

    with pytest.raises(aiohttp.ClientError):
        await world.http.post("projects/shop%2Fconfig/labels", json={"name": "sluice", "color": "#fff"})

    assert [label.name for label in world.project.labels] == ["sluice"]
    assert world.lab.ledger.by_natural_key() == {"label:shop/config:sluice": 1}


async def test_hooks_are_dropped_doubled_and_sent_again(world: World) -> None:
    hooks = world.lab.faults.hooks
    hooks.drop_next = 1
    await world.commit()
    assert world.keys == []

    hooks.duplicate = "same-key"
    await world.commit()
    hooks.duplicate = "second-hook"
    await world.commit()

    assert len(world.keys) == 4
    assert world.keys[0] == world.keys[1]
    assert len(set(world.keys)) == 3


async def test_dropped_hooks_never_arrive(world: World) -> None:
    world.lab.faults.hooks.drop_all = True

    await world.commit()

    assert world.keys == []


async def test_ledger_tells_reads_from_writes_and_who_did_what(world: World) -> None:
    await world.commit()
    await world.http.get("projects/shop%2Fconfig")
    label = {"name": "sluice", "color": "#fff"}
    await world.http.post("projects/shop%2Fconfig/labels", json=label)
    await world.http.post("projects/shop%2Fconfig/labels", json=label)

    ledger = world.lab.ledger

    assert ledger.reads["GET", "/projects/:id"] == 1
    assert [(one.status, one.user, one.body) for one in ledger.writes()] == [
        (201, "sluice", label),
        (409, "sluice", label),
    ]
    assert ledger.by_natural_key(user="sluice") == {"label:shop/config:sluice": 1}
    world.lab.reset_counters()
    assert ledger.totals() == {"reads": 0, "writes": 0}


async def test_racing_merge_requests_make_one(world: World) -> None:
    await world.commit()
    await world.lab.commit_files(world.project, "feature", {"y": "y"}, "y", world.lab.user("root"))
    wanted = {"source_branch": "feature", "target_branch": "main", "title": "one"}

    answers = await asyncio.gather(
        *(world.http.post("projects/shop%2Fconfig/merge_requests", json=wanted) for _ in range(20))
    )

    assert sorted(answer.status for answer in answers) == [201, *[409] * 19]
    assert len(world.project.merge_requests) == 1


async def test_racing_statuses_of_one_commit_are_one_after_another(world: World) -> None:
    sha = await world.commit()
    path = f"projects/shop%2Fconfig/statuses/{sha}"

    answers = await asyncio.gather(
        *(world.http.post(path, json={"state": "running", "name": f"s{n}", "ref": "main"}) for n in range(10))
    )

    assert {answer.status for answer in answers} == {201}
    assert len(world.project.pipelines) == 1
    assert len(world.project.pipelines[0].jobs) == 10
