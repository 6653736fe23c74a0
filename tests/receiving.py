"""What tests of the receiving half share: signed requests, an inbox in memory, a server on a free port."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from bot.clock import Clock, FixedClock
from bot.events import Delivery
from bot.receivers.flagger import GateName
from bot.server import ServerSettings, create_app, create_runner
from bot.server_ports import GateAnswer, Gates, Inbox

NOW = datetime(2026, 11, 23, 7, 20, tzinfo=UTC)
SIGNING_TOKEN = "whsec_" + base64.b64encode(b"a signing key of thirty-two byte").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A receipt."""

    id: str
    duplicate: bool


@dataclass
class MemoryInbox:
    """Keeps deliveries in a list; `fault` is raised instead when it is set."""

    deliveries: list[Delivery] = field(default_factory=list)
    fault: Exception | None = None

    async def put(self, delivery: Delivery) -> Kept:
        if self.fault is not None:
            raise self.fault
        for known in self.deliveries:
            if (known.endpoint, known.idempotency_key) == (delivery.endpoint, delivery.idempotency_key):
                return Kept(id=known.id, duplicate=True)
        self.deliveries.append(delivery)
        return Kept(id=delivery.id, duplicate=False)


@dataclass
class ScriptedGates:
    """Opens the gates it is told to open, and notes what it was asked."""

    open_gates: set[str] = field(default_factory=set)
    fault: Exception | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def answer(self, cluster: str, gate: GateName, namespace: str, name: str, checksum: str) -> GateAnswer:
        self.asked.append((cluster, gate, namespace, name, checksum))
        if self.fault is not None:
            raise self.fault
        return GateAnswer(open=gate in self.open_gates, because=f"{gate} was looked up")


@dataclass
class ScriptedHealth:
    """Reports the problems it is given."""

    found: Sequence[str] = ()

    async def problems(self) -> Sequence[str]:
        return self.found


@asynccontextmanager
async def serving(
    settings: ServerSettings,
    *,
    inbox: Inbox | None = None,
    gates: Gates | None = None,
    health: ScriptedHealth | None = None,
    clock: Clock | None = None,
    routes: Iterable[web.AbstractRouteDef] = (),
) -> AsyncIterator[str]:
    """A server on a free loopback port; yields its URL."""
    app = create_app(
        settings,
        inbox=inbox or MemoryInbox(),
        gates=gates or ScriptedGates(),
        health=health or ScriptedHealth(),
        clock=clock or FixedClock(NOW),
        routes=routes,
    )
    runner = create_runner(app, linger=timedelta(milliseconds=50))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def signed_by_gitlab(
    body: bytes, *, secret: str = SIGNING_TOKEN, at: datetime = NOW, message_id: str = "f5e5f430-f57b"
) -> dict[str, str]:
    """The `webhook-*` headers of a delivery, made with code of its own."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def signed_by_flux(body: bytes, secret: str) -> dict[str, str]:
    """The `X-Signature` of notification-controller's generic-hmac."""
    return {"x-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def with_token(body: Any, token: str) -> bytes:
    """A Flagger body as sent by a canary whose webhook has `metadata.token` set."""
    metadata = body.get("metadata") or {}
    return json.dumps(body | {"metadata": metadata | {"token": token}}).encode()


def delivered(body: Any, *, endpoint: str = "gitlab", scope: str = "instance", **headers: str) -> Delivery:
    """A stored delivery; header names are written with underscores."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return Delivery(
        id="1",
        endpoint=endpoint,
        idempotency_key="1",
        received_at=NOW,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body,
        scope=scope,
    )
