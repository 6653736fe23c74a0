"""The pipeline and Sluice together: the merge declares, the pipeline copies, Sluice tags, Flux rolls out."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
import running_rescans
from pipeline_runs import Project, Run, environment, project
from pipeline_worlds import DATABASE, World, database, new_key
from registries import Registries
from running import Running, running, until
from running_promotions import merge, release, until_ready, until_told
from running_rescans import REPOSITORY, Kind, chosen_by
from running_rollbacks import file, production, record

from bot.sandbox.registry import Registry

OWN = f"production/{REPOSITORY}"
"""Production's own repository; for Sluice and the pipeline a registry of its own is another one like it."""


def holds_what_was_released(registry: Registry, repository: str) -> None:
    """A repository that has what the build's has now, and nothing of what is pushed there later."""
    source, target = registry._storage.repository(REPOSITORY), registry._storage.ensure_repository(repository)
    target.blobs, target.manifests = source.blobs.copy(), source.manifests.copy()


@pytest.fixture
def own_repository(monkeypatch: pytest.MonkeyPatch) -> Kind:
    monkeypatch.setattr(running_rescans, "holds_the_same", holds_what_was_released)
    return Kind(repository=OWN)


def surroundings(folder: Path, world: Running) -> World:
    """A pipeline's world whose one registry is the sandbox's."""
    host, user, password = (str(world.facts[f"registry_{one}"]) for one in ("url", "user", "password"))
    host = host.partition("://")[2].rstrip("/")
    known = folder / "credentials"
    known.mkdir()
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (known / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), "utf-8")
    return World(
        folder=folder,
        registries=Registries(hosts={"build": host}, authority=Path("/dev/null"), credentials=known),
        key=new_key(folder / "key"),
        database=database(folder / "database", DATABASE),
        environment=environment(folder / "home"),
    )


def config(around: World, facts: Any) -> Project:
    inputs = {
        "environment": "production",
        "to": "{registry}/production/{repository}",
        "to-user": facts["registry_user"],
        "to-password": "$WRITER_PASSWORD",
    }
    entry = {"local": "/.gitlab/ci/promotion-copy.yml", "inputs": inputs}
    return project(
        "demo/flux-config",
        around.folder / "flux-config",
        files={".gitlab-ci.yml": json.dumps({"stages": ["deploy"], "include": [entry]})},
        environment=around.environment,
        variables={**around.variables, "WRITER_PASSWORD": facts["registry_password"]},
    )


async def after_the_merge(world: Running, made: Project) -> Run:
    """The pipeline of the default branch as it is now."""
    declared = await file(world, record("releases"))
    assert declared is not None
    made.commit({record("releases"): declared}, "What Sluice declared")
    return await asyncio.to_thread(made.run, "promotion-copy-production", CI_PIPELINE_SOURCE="push")


async def test_merged_release_reaches_an_environment_with_a_registry_of_its_own(
    tmp_path: Path, own_repository: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        around = await asyncio.to_thread(surroundings, tmp_path, world)
        made = config(around, world.facts)
        await chosen_by(world, own_repository)
        registry = world.sandbox.registry

        commit = await release(world, "1.1.0", changes=["Greet by name"])
        digest = registry.digest_of(REPOSITORY, "1.1.0")
        await asyncio.to_thread(around.sign, f"{registry.host}/{REPOSITORY}@{digest}")
        await until_told(world, commit, "staging")
        await merge(world, await until_ready(world, "production"))

        async def waits_for_the_copy() -> bool:
            return "is not there yet. production has a registry of its own" in capsys.readouterr().out

        await until(waits_for_the_copy, "Sluice says that it waits for the copy")
        before = dict(registry.tags(OWN))
        run = await after_the_merge(world, made)
        assert run.passed, run.log
        await until_told(world, commit, "production")

        assert "1.1.0-prod" not in before
        assert registry.tags(OWN)["1.1.0-prod"] == digest
        assert await asyncio.to_thread(around.is_signed, f"{registry.host}/{OWN}@{digest}")
        assert (await production(world)).tag == "1.1.0-prod"
