"""The embedded registry tells its webhook of pushes, in distribution's envelope, until it is heard."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.registry import Registry
from bot.sandbox.serving import Listener


class Listening:
    """A receiver that refuses the first deliveries and keeps the others."""

    def __init__(self, refuse: int) -> None:
        self.refuse = refuse
        self.heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        app = web.Application()
        app.router.add_post("/hooks/registry/demo", self._hear)
        self.listener = Listener(app)

    async def _hear(self, request: web.Request) -> web.Response:
        if self.refuse > 0:
            self.refuse -= 1
            return web.Response(status=503)
        self.heard.put_nowait((request.content_type, await request.json()))
        return web.Response(status=202)


@pytest.fixture
async def receiver() -> AsyncIterator[Listening]:
    listening = Listening(refuse=1)
    await listening.listener.start("127.0.0.1")
    yield listening
    await listening.listener.stop()


async def test_a_pushed_tag_is_told_again_until_it_is_heard(tmp_path: Path, receiver: Listening) -> None:
    registry = Registry("demo", tmp_path, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    registry.notifier.url = f"{receiver.listener.url}/hooks/registry/demo"
    registry.notifier.backoff = 0.01
    await registry.start()

    digest = registry.push_image("demo/app", "1.0.0", {"v": "1"}, platforms=("linux/amd64",))
    heard = [await asyncio.wait_for(receiver.heard.get(), 5) for _ in range(2)]
    await registry.stop()

    content_type, last = heard[-1]
    event = last["events"][0]
    assert content_type == "application/vnd.docker.distribution.events.v2+json"
    assert (event["action"], event["target"]["repository"], event["target"]["tag"]) == ("push", "demo/app", "1.0.0")
    assert event["target"]["digest"] == digest
    assert "tag" not in heard[0][1]["events"][0]["target"]
