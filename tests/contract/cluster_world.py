"""The seeded world's doors for tests: a bot that only hears, and what the cluster says over its API."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from kubernetes_asyncio import client, config

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.serving import Listener

FLUX = ("kustomize.toolkit.fluxcd.io", "v1")
IMAGE = ("image.toolkit.fluxcd.io", "v1")
FLAGGER = ("flagger.app", "v1beta1")


class Bot:
    """Whatever a bot would hear; it answers no at the paths that are closed."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.closed = {"/gates/demo/rollback"}  # open, it would take every canary back
        app = web.Application()
        app.router.add_post("/{path:.*}", self._hear)
        self.listener = Listener(app)

    async def _hear(self, request: web.Request) -> web.Response:
        self.heard.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=403 if request.path in self.closed else 202)

    def at(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(body) for where, _, body in self.heard if where == path]


@asynccontextmanager
async def hearing() -> AsyncIterator[Bot]:
    """A bot that listens."""
    bot = Bot()
    await bot.listener.start("127.0.0.1")
    try:
        yield bot
    finally:
        await bot.listener.stop()


@asynccontextmanager
async def seeded(folder: Path, bot: Bot) -> AsyncIterator[Sandbox]:
    """The world at its beginning, which tells this bot; roll-outs take next to no time."""
    running = await Sandbox.start(folder, bot_url=bot.listener.url)
    running.cluster.settings.rollout = 0.02
    try:
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def controlling(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """The control API with its token."""
    headers = {"Authorization": f"Bearer {sandbox.facts['control_token']}"}
    async with aiohttp.ClientSession(str(sandbox.facts["control_url"]), headers=headers) as session:
        yield session


async def until(holds: Callable[[], object], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.02)


async def status_of(sandbox: Sandbox, environment: str) -> dict[str, Any]:
    where = (FLUX, "flux-system", "kustomizations", f"demo-service-{environment}")
    return dict((await custom(sandbox, *where))["status"])


async def image_in(sandbox: Sandbox, environment: str, deployment: str = "demo-service") -> str:
    found = await deployment_in(sandbox, environment, deployment)
    return str(found.spec.template.spec.containers[0].image)


async def deployment_in(sandbox: Sandbox, environment: str, name: str) -> Any:
    async with await config.new_client_from_config(config_file=str(sandbox.facts["kubeconfig"])) as api:
        return await client.AppsV1Api(api).read_namespaced_deployment(name, environment)


async def custom(sandbox: Sandbox, api: tuple[str, str], namespace: str, plural: str, name: str) -> dict[str, Any]:
    async with await config.new_client_from_config(config_file=str(sandbox.facts["kubeconfig"])) as session:
        group, version = api
        found = await client.CustomObjectsApi(session).get_namespaced_custom_object(
            group, version, namespace, plural, name
        )
    return dict(found)


async def until_image(sandbox: Sandbox, environment: str, tag: str, deployment: str = "demo-service") -> None:
    async with asyncio.timeout(10):
        while not (await image_in(sandbox, environment, deployment)).endswith(f":{tag}"):
            await asyncio.sleep(0.05)
