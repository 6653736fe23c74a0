"""The seeded world's production: its own tag, image automation, and a canary that goes on when the bot says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from contract.cluster_world import (
    FLAGGER,
    IMAGE,
    Bot,
    controlling,
    custom,
    deployment_in,
    hearing,
    image_in,
    seeded,
    until,
    until_image,
)

from bot.sandbox.sandbox import Sandbox


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with hearing() as listening:
        yield listening


@pytest.fixture
async def sandbox(tmp_path: Path, bot: Bot) -> AsyncIterator[Sandbox]:
    async with seeded(tmp_path / "world", bot) as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with controlling(sandbox) as session:
        yield session


async def test_production_begins_with_its_own_tag_and_a_canary_that_serves_it(sandbox: Sandbox) -> None:
    canary = await custom(sandbox, FLAGGER, "production", "canaries", "demo-service")
    policy = await custom(sandbox, IMAGE, "flux-system", "imagepolicies", "demo-service-production")
    automation = await custom(sandbox, IMAGE, "flux-system", "imageupdateautomations", "demo-service-production")
    target = await deployment_in(sandbox, "production", "demo-service")

    assert canary["status"]["phase"] == "Initialized"
    assert (await image_in(sandbox, "production", "demo-service-primary")).endswith(":1.0.0-prod")
    assert target.spec.replicas == 0
    assert policy["status"]["latestRef"]["tag"] == "1.0.0-prod"
    assert policy["status"]["latestRef"]["digest"] == sandbox.first_release.digest
    assert automation["spec"]["update"]["path"] == "./apps/demo-service/production"


async def test_production_takes_only_its_own_tag_and_serves_it_only_when_the_bot_says_so(
    sandbox: Sandbox, control: aiohttp.ClientSession, bot: Bot
) -> None:
    gate = "/gates/demo/confirm-rollout"
    bot.closed.add(gate)
    released = await (await control.post("/control/releases", json={"version": "1.1.0"})).json()
    await until_image(sandbox, "dev", "1.1.0")
    await control.post("/control/registry/rescan", json={"times": 3})
    before = await image_in(sandbox, "production")

    sandbox.registry.tag("demo/demo-service", "1.1.0-prod", released["digest"])
    await until_image(sandbox, "production", "1.1.0-prod")
    await until(lambda: len(bot.at(gate)) >= 2)
    held = await image_in(sandbox, "production", "demo-service-primary")
    bot.closed.remove(gate)

    assert before.endswith(":1.0.0-prod")
    assert held.endswith(":1.0.0-prod")
    await until_image(sandbox, "production", "1.1.0-prod", deployment="demo-service-primary")
