"""Thousands of Flux events that say nothing new, posted as fast as the bot takes them."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

CONNECTIONS = 8


def post(url: str, facts: Mapping[str, Any], count: int) -> float:
    """Post them to the bot at `url` over a few connections; how many a second it took."""
    if not count:
        return 0.0
    return count / asyncio.run(_post_all(f"{url}/hooks/flux/{facts['cluster']}", str(facts["flux_secret"]), count))


async def _post_all(url: str, secret: str, count: int) -> float:
    numbers = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        began = time.monotonic()
        await asyncio.gather(*(_connection(session, url, secret, numbers) for _ in range(CONNECTIONS)))
        return time.monotonic() - began


async def _connection(session: aiohttp.ClientSession, url: str, secret: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        raw = _body(number)
        signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}
        async with session.post(url, data=raw, headers=headers) as answer:
            if answer.status != 202:
                raise RuntimeError(f"event {number} was answered {answer.status}: {await answer.text()}")


def _body(number: int) -> bytes:
    """Another report of what is known already: only the duration in its text differs (failures F4)."""
    body = {
        "involvedObject": {
            "kind": "Kustomization",
            "namespace": "flux-system",
            "name": "demo-service-staging",
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        },
        "severity": "info",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "message": f"Reconciliation finished in {number}ms, next run in 1h0m0s",
        "reason": "ReconciliationSucceeded",
        "metadata": {"revision": "main@sha1:" + "0" * 40, "commit_status": "update"},
        "reportingController": "kustomize-controller",
        "reportingInstance": f"bench-{number}",
    }
    return json.dumps(body).encode()
