"""Flagger's calls: one POST after another, judged by their status alone."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import aiohttp
from yarl import URL

from bot.sandbox.cluster.flagger.hashing import checksum_of
from bot.sandbox.cluster.flagger.plans import Webhook
from bot.sandbox.cluster.notices import go_json
from bot.sandbox.documents import Document

# Flagger, pkg/controller/webhook.go: everything above 202 is a failure, 204 too.
LAST_SUCCESS = 202
RETRIED = frozenset({429, *range(500, 600)})


class Hooks:
    """Posts payloads to webhooks."""

    def __init__(self) -> None:
        self.services: dict[str, str] = {}
        """Names that resolve in the cluster only: `host` or `host:port` of a hook's URL to the base URL it means."""
        self.counters: Counter[str] = Counter()
        """Calls by the webhook's type."""
        self.losing = False
        """Whether calls that only tell something are lost on their way; Flagger does not ask again (8.2)."""
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Open the connections."""
        headers = {"User-Agent": "Go-http-client/1.1", "Content-Type": "application/json", "Accept-Encoding": "gzip"}
        self._session = aiohttp.ClientSession(headers=headers, skip_auto_headers={"Accept"})

    async def stop(self) -> None:
        """Close them."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, hook: Webhook, canary: Document, phase: str, metadata: Mapping[str, str] | None = None
    ) -> str | None:
        """Why the hook failed, None when it was answered 200 to 202."""
        body = go_json(payload(canary, phase, hook.metadata if metadata is None else metadata))
        self.counters[hook.type] += 1
        if self.losing and hook.type in ("event", "post-rollout"):
            return f'Post "{hook.url}": EOF'
        for attempt in range(hook.retries + 1):
            failure, again = await self._post(hook, body)
            if not again or attempt == hook.retries:
                return failure
            await asyncio.sleep(min(30.0, 2.0**attempt))
        return None

    async def _post(self, hook: Webhook, body: bytes) -> tuple[str | None, bool]:
        if self._session is None:
            return "the controller is stopped", False
        limit = aiohttp.ClientTimeout(total=hook.timeout)
        try:
            async with self._session.post(self._place(hook.url), data=body, timeout=limit) as response:
                text = await response.text(errors="replace")
        except TimeoutError:
            return f'Post "{hook.url}": context deadline exceeded', True
        except aiohttp.ClientError as error:
            return f'Post "{hook.url}": {error}', True
        if response.status <= LAST_SUCCESS:
            return None, False
        return text, response.status in RETRIED

    def _place(self, url: str) -> URL:
        asked = URL(url)
        found = self.services.get(f"{asked.host}:{asked.port}") or self.services.get(asked.host or "")
        return asked if found is None else URL(found).with_path(asked.path).with_query(asked.query)


def payload(canary: Document, phase: str, metadata: Mapping[str, str]) -> Document:
    """The body of a hook: no image, revision or weight; an empty map is left out, its keys are sorted, as by Go."""
    meta = canary["metadata"]
    body: Document = {"name": meta["name"], "namespace": meta["namespace"], "phase": phase}
    body["checksum"] = checksum_of(canary)
    return body | ({"metadata": dict(sorted(metadata.items()))} if metadata else {})
