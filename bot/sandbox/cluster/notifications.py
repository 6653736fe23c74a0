"""notification-controller: which Alerts an event matches, and its delivery with retries that a restart forgets."""

import asyncio
import base64
import re
from collections.abc import Callable

import aiohttp
import structlog

from bot.sandbox.cluster.controller import interval_of
from bot.sandbox.cluster.kinds import ALERT, PROVIDER, SECRET, kind_of
from bot.sandbox.cluster.notices import Notice, delivered, go_json, signature
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.disturbing import Outbox
from bot.sandbox.documents import Document, path

log = structlog.get_logger()
GENERIC = frozenset({"generic", "generic-hmac"})
Failed = Callable[[Document, str], None]


class Notifications:
    """Posts notices to the providers of matching Alerts."""

    def __init__(self, objects: Objects, settings: Settings) -> None:
        self.outbox = Outbox()
        self.failed: Failed = lambda alert, message: None
        """Hears of each delivery that was given up, with its Alert."""
        self._objects = objects
        self._settings = settings
        self._seen: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Open the connections."""
        headers = {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}
        self._session = aiohttp.ClientSession(headers=headers, skip_auto_headers={"Accept"})

    async def stop(self) -> None:
        """Lose what is in flight."""
        await self.outbox.stop()
        if self._session is not None:
            await self._session.close()

    def post(self, event: Notice) -> None:
        """Take an event from a controller; equal ones within the rate limit are dropped (answered 429 there)."""
        if self._limited(event):
            self.outbox.counters["rate_limited"] += 1
            return
        for alert in self._objects.all(ALERT):
            if self._matches(alert, event):
                self._dispatch(alert, event)

    def _limited(self, event: Notice) -> bool:
        if not self._settings.rate_limit:
            return False
        now, key = asyncio.get_running_loop().time(), event.dedupe_key()
        if now - self._seen.get(key, float("-inf")) < self._settings.rate_limit:
            return True
        self._seen[key] = now
        return False

    def _matches(self, alert: Document, event: Notice) -> bool:
        spec = alert["spec"]
        if spec.get("suspend") or spec.get("eventSeverity", "info") not in ("info", event.severity):
            return False
        # Exclusion wins over inclusion, and both see the message only.
        if any(_searched(pattern, event.message) for pattern in spec.get("exclusionList", [])):
            return False
        included = spec.get("inclusionList", [])
        if included and not any(_searched(pattern, event.message) for pattern in included):
            return False
        if event.metadata.get("commit_status") and self._provider_type(alert) not in GENERIC:
            return False
        namespace = alert["metadata"]["namespace"]
        return any(self._is_source(source, namespace, event) for source in spec.get("eventSources", []))

    def _is_source(self, source: Document, namespace: str, event: Notice) -> bool:
        if (source["kind"], source.get("namespace") or namespace) != (event.kind, event.namespace):
            return False
        if source["name"] != "*":
            return bool(source["name"] == event.name)
        wanted = source.get("matchLabels") or {}
        kind = kind_of(event.involved["apiVersion"], event.kind)
        if not wanted or kind is None:
            return True
        found = self._objects.find(kind, event.namespace, event.name) or {}
        labels = path(found, "metadata", "labels") or {}
        return all(labels.get(key) == value for key, value in wanted.items())

    def _provider_type(self, alert: Document) -> str:
        provider = self._provider(alert)
        return "" if provider is None else str(provider["spec"]["type"])

    def _provider(self, alert: Document) -> Document | None:
        name = path(alert, "spec", "providerRef", "name")
        return self._objects.find(PROVIDER, alert["metadata"]["namespace"], name)

    def _dispatch(self, alert: Document, event: Notice) -> None:
        provider = self._provider(alert)
        if provider is None or provider["spec"].get("suspend"):
            return
        secret = self._secret(provider)
        address = secret.get("address") or provider["spec"].get("address")
        if not address:
            log.debug("provider has no address", provider=provider["metadata"]["name"])
            return
        if provider["spec"]["type"] not in GENERIC:
            self.failed(alert, f"provider type {provider['spec']['type']} is not modelled by the sandbox")
            return
        body = go_json(delivered(event, alert["spec"].get("eventMetadata") or {}, alert["spec"].get("summary", "")))
        headers = {"Content-Type": "application/json", "Gotk-Component": event.controller}
        if provider["spec"]["type"] == "generic-hmac":
            headers["X-Signature"] = signature(body, secret.get("token", ""))
        timeout = interval_of(provider, "timeout", "15s")

        async def deliver() -> None:
            await self._deliver(alert, address, body, headers, timeout)

        self.outbox.send(deliver)

    def _secret(self, provider: Document) -> dict[str, str]:
        name = path(provider, "spec", "secretRef", "name")
        if not name:
            return {}
        found = self._objects.find(SECRET, provider["metadata"]["namespace"], name) or {}
        return secret_values(found)

    async def _deliver(
        self, alert: Document, address: str, body: bytes, headers: dict[str, str], timeout: float
    ) -> None:
        try:
            async with asyncio.timeout(timeout):
                problem = await self._try_all(address, body, headers)
        except TimeoutError:
            problem = "context deadline exceeded"
        if problem:
            self.outbox.counters["failed"] += 1
            self.failed(alert, f"failed to send notification: {problem}")

    async def _try_all(self, address: str, body: bytes, headers: dict[str, str]) -> str:
        problem = ""
        for wait in (0.0, *self._settings.retry_waits):
            await asyncio.sleep(wait)
            problem, again, advised = await self._try(address, body, headers)
            if not again:
                return problem
            await asyncio.sleep(advised)
        return f"giving up after {len(self._settings.retry_waits) + 1} attempts: {problem}"

    async def _try(self, address: str, body: bytes, headers: dict[str, str]) -> tuple[str, bool, float]:
        """What went wrong, whether it is worth another try, and the seconds the answer asked to wait."""
        if self._session is None:
            return "stopped", False, 0.0
        try:
            async with self._session.post(address, data=body, headers=headers, timeout=None) as response:
                self.outbox.counters["posted"] += 1
                if response.status < 300:
                    return "", False, 0.0
                advised = response.headers.get("Retry-After", "")
                again = response.status == 429 or response.status >= 500
                return f"status code {response.status}", again, float(advised) if advised.isdecimal() else 0.0
        except aiohttp.ClientError as error:
            return type(error).__name__, True, 0.0


def secret_values(secret: Document) -> dict[str, str]:
    """A Secret's data, decoded."""
    data = {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    return {**data, **(secret.get("stringData") or {})}


def _searched(pattern: str, message: str) -> bool:
    try:
        return re.search(pattern, message) is not None
    except re.error:
        log.warning("alert pattern cannot be read", pattern=pattern)
        return False
