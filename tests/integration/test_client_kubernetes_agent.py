"""A cluster is read through GitLab's agent server by nothing but a kubeconfig.

KAS itself is not to be had in tests. What stands in for it is what GitLab documents of its proxy (Grant users
Kubernetes access, "Access a cluster with the Kubernetes API"): the path `/k8s-proxy/`, the token `pat:<agent>:<token>`,
and requests that reach the API server with the agent's own credentials.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.clients.kubernetes import Change, Cluster
from bot.errors import PermanentError
from bot.sandbox.cluster import Cluster as SandboxCluster
from bot.sandbox.cluster.access import reader

AGENT, TOKEN, OWN = 42, "glpat-of-the-bot", "token-of-agentk"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxCluster]:
    running = SandboxCluster(
        "staging",
        tmp_path,
        lambda: datetime(2026, 1, 1, tzinfo=UTC),
        users=(reader(OWN),),
        pull=lambda image: "sha256:" + "0" * 64,
    )
    await running.start()
    for name in ("flux-system", "shop"):
        running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield running
    await running.stop()


@asynccontextmanager
async def agent_server(behind: SandboxCluster) -> AsyncIterator[str]:
    """The proxy's address."""

    async def forward(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer pat:{AGENT}:{TOKEN}":
            return web.Response(status=401, text="Unauthorized")
        url = f"{behind.url}/{request.match_info['rest']}"
        headers = {"Authorization": f"Bearer {OWN}"}
        async with session.get(url, params=request.query, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    app = web.Application()
    app.router.add_get("/k8s-proxy/{rest:.*}", forward)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/k8s-proxy"
        finally:
            await runner.cleanup()


def kubeconfig(file: Path, server: str, token: str) -> Path:
    """What `glab cluster agent update-kubeconfig`, or docs/gitlab-agent.md, writes."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "staging", "cluster": {"server": server}}],
        "users": [{"name": "sluice", "user": {"token": f"pat:{AGENT}:{token}"}}],
        "contexts": [{"name": "staging", "context": {"cluster": "staging", "user": "sluice"}}],
        "current-context": "staging",
    }
    file.write_text(json.dumps(document), "utf-8")
    return file


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": {}}


async def test_cluster_is_listed_and_watched_through_the_agent(sandbox: SandboxCluster, tmp_path: Path) -> None:
    sandbox.put(config_map("before"))
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def take(change: Change) -> None:
        seen.put_nowait(change.key[1])

    async with agent_server(sandbox) as server:
        cluster = Cluster("staging", kubeconfig(tmp_path / "kubeconfig", server, TOKEN), None)
        items, _version = await cluster.list("ConfigMap", "shop")
        watch = asyncio.create_task(cluster.watch("ConfigMap", take))
        async with asyncio.timeout(10):
            first = await seen.get()
            sandbox.put(config_map("after"))
            second = await seen.get()
        watch.cancel()
        await asyncio.wait([watch])
        await cluster.close()

    assert [item["metadata"]["name"] for item in items] == ["before"]
    assert (first, second) == ("before", "after")


async def test_token_that_the_agent_server_refuses_is_said_as_such(sandbox: SandboxCluster, tmp_path: Path) -> None:
    async with agent_server(sandbox) as server:
        cluster = Cluster("staging", kubeconfig(tmp_path / "kubeconfig", server, "glpat-expired"), None)

        with pytest.raises(PermanentError, match="credentials are not accepted") as refused:
            await cluster.list("ConfigMap")

        await cluster.close()
    assert "glpat" not in str(refused.value)
