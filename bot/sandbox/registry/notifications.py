"""Registry notifications: pushes and deletions told to a webhook in distribution's event envelope."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Literal

import aiohttp
import structlog

from bot.sandbox.documents import Document
from bot.sandbox.registry.manifests import Manifest

log = structlog.get_logger()

# Distribution 3.x, notifications/event.go: EventsMediaType.
MEDIA_TYPE = "application/vnd.docker.distribution.events.v2+json"


def envelope(
    action: Literal["push", "delete"],
    manifest: Manifest,
    *,
    repository: str,
    tag: str | None,
    registry: str,
    actor: str,
    at: datetime,
) -> Document:
    """One event as distribution sends it (docs: "Work with notifications"). `registry` is host:port."""
    target: Document = {"digest": manifest.digest, "repository": repository}
    if action == "push":
        target |= {
            "mediaType": manifest.media_type,
            "size": len(manifest.body),
            "length": len(manifest.body),
            "url": f"http://{registry}/v2/{repository}/manifests/{manifest.digest}",
        }
    if tag is not None:
        target["tag"] = tag
    event = {
        "id": str(uuid.uuid4()),
        "timestamp": at.isoformat(),
        "action": action,
        "target": target,
        "request": {"id": str(uuid.uuid4()), "host": registry, "method": "PUT" if action == "push" else "DELETE"},
        "actor": {"name": actor} if actor else {},
        "source": {"addr": registry, "instanceID": "00000000-0000-4000-8000-000000000000"},
    }
    return {"events": [event]}


class Notifier:
    """Sends envelopes one after another; a failing one is tried again until it passes or the registry stops.

    Distribution keeps its queue in memory only and retries without end, in order (docs: "Notifications", endpoints).
    """

    def __init__(self, *, backoff: float = 1.0, timeout: float = 5.0) -> None:
        self.url: str | None = None
        self.headers: dict[str, str] = {}
        self.backoff = backoff
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin sending."""
        self._task = asyncio.create_task(self._send_all(), name="registry notifications")

    async def stop(self) -> None:
        """Forget what was not sent, as a restarted registry does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def tell(self, make: Callable[[], Document]) -> None:
        """Queue an event, if anybody listens."""
        if self.url is not None:
            self._queue.put_nowait(json.dumps(make()).encode())

    async def _send_all(self) -> None:
        async with aiohttp.ClientSession(timeout=self._timeout) as session:
            while True:
                await self._send(session, await self._queue.get())

    async def _send(self, session: aiohttp.ClientSession, body: bytes) -> None:
        for attempt in count():
            if attempt:
                await asyncio.sleep(self.backoff)
            if await self._sent(session, body):
                return

    async def _sent(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        if self.url is None:
            return True
        headers = {"Content-Type": MEDIA_TYPE, **self.headers}
        try:
            async with session.post(self.url, data=body, headers=headers) as response:
                return response.status < 400
        except (aiohttp.ClientError, TimeoutError) as error:
            log.debug("registry notification failed", error=type(error).__name__)
            return False
