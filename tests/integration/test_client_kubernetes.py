"""The cluster client against the embedded cluster: reads, rights, and watches that survive everything."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.clients.kubernetes import Change, Cluster, about, summarise, summarise_events
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.sandbox.cluster import Cluster as SandboxCluster
from bot.sandbox.cluster import Settings
from bot.sandbox.cluster.access import READ, Rule, User, admin, reader
from bot.sandbox.cluster.kinds import CONFIG_MAP
from bot.sandbox.cluster.recorder import Recorder

POOR = User(
    name="system:serviceaccount:sluice:poor",
    context="poor",
    token="poor-token",
    rules=(Rule(verbs=READ - {"watch"}, resources=frozenset({"configmaps"})),),
)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxCluster]:
    running = SandboxCluster(
        "staging",
        tmp_path,
        lambda: datetime(2026, 1, 1, tzinfo=UTC),
        users=(reader("reader-token"), admin("admin-token"), POOR),
        pull=lambda image: "sha256:" + "0" * 64,
        settings=Settings(bookmark_every=0.05),
    )
    await running.start()
    for name in ("flux-system", "shop"):
        running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield running
    await running.stop()


class Hurried(Cluster):
    """Pauses a hundredth of the time it should."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@pytest.fixture
async def cluster(sandbox: SandboxCluster) -> AsyncIterator[Cluster]:
    made = Hurried("staging", sandbox.kubeconfig, "sluice")
    yield made
    await made.close()


def config_map(name: str, text: str = "1") -> dict[str, Any]:
    meta = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"text": text}}


class Watcher:
    """What a watch told, as the present texts by name."""

    def __init__(self) -> None:
        self.present: dict[str, str] = {}
        self.told = 0

    async def take(self, change: Change) -> None:
        self.told += 1
        name = change.key[1]
        if change.how == "deleted":
            self.present.pop(name, None)
        else:
            self.present[name] = change.object["data"]["text"]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def watching(cluster: Cluster, watcher: Watcher) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(cluster.watch("ConfigMap", watcher.take))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_an_object_is_read_or_is_none(cluster: Cluster, sandbox: SandboxCluster) -> None:
    spec = {"interval": "10m", "path": "./", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "none"}}
    meta = {"name": "shop", "namespace": "flux-system"}
    sandbox.put(
        {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta, "spec": spec}
    )

    found = await cluster.get("Kustomization", "flux-system", "shop")

    assert found is not None
    assert summarise(found).name == "shop"
    assert await cluster.get("Kustomization", "flux-system", "missing") is None


async def test_a_list_carries_kinds_and_a_version_to_watch_from(cluster: Cluster, sandbox: SandboxCluster) -> None:
    for number in range(3):
        sandbox.put(config_map(f"m{number}"))

    items, version = await cluster.list("ConfigMap")

    assert [(item["kind"], item["metadata"]["name"]) for item in items] == [("ConfigMap", f"m{n}") for n in range(3)]
    assert int(version) >= max(int(item["metadata"]["resourceVersion"]) for item in items)
    assert cluster.heard("ConfigMap") is not None
    assert cluster.heard("Canary") is None


async def test_lists_are_read_page_by_page(
    cluster: Cluster, sandbox: SandboxCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.clients.kubernetes.cluster.PAGE_SIZE", "2")
    for number in range(5):
        sandbox.put(config_map(f"m{number}"))

    items, _ = await cluster.list("ConfigMap", "shop")

    assert [item["metadata"]["name"] for item in items] == [f"m{number}" for number in range(5)]


async def test_only_the_events_about_one_object_are_listed(
    cluster: Cluster, sandbox: SandboxCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.clients.kubernetes.cluster.PAGE_SIZE", "2")
    recorder = Recorder(sandbox.objects, lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda notice: None)
    for name in ("web", "other"):
        document = sandbox.put(config_map(name))
        for number in range(3):
            recorder.keep(document, "Normal", "Synced", f"{name} said {number}", controller="flagger")

    items, _ = await cluster.list("Event", "shop", fields=about("ConfigMap", "shop", "web"))

    assert sorted(told.message for told in summarise_events(items)) == ["web said 0", "web said 1", "web said 2"]


async def test_a_missing_right_is_named(sandbox: SandboxCluster) -> None:
    poor = Cluster("staging", sandbox.kubeconfig, "poor")

    with pytest.raises(PermanentError, match=r"apiGroups \['apps'\], resources \['deployments'\], verbs \['list'\]"):
        await poor.list("Deployment")

    await poor.close()


async def test_a_wrong_token_is_said_as_such(sandbox: SandboxCluster, tmp_path: Path) -> None:
    document = json.loads(sandbox.kubeconfig.read_text())
    document["users"] = [{"name": user["name"], "user": {"token": "wrong"}} for user in document["users"]]
    (tmp_path / "wrong").write_text(json.dumps(document))
    wrong = Cluster("staging", tmp_path / "wrong", "sluice")

    with pytest.raises(PermanentError, match=r"credentials are not accepted") as refused:
        await wrong.list("ConfigMap")

    assert "wrong" not in str(refused.value)
    await wrong.close()


async def test_a_renewed_kubeconfig_is_read_without_a_restart(sandbox: SandboxCluster, tmp_path: Path) -> None:
    document = json.loads(sandbox.kubeconfig.read_text())
    expired = document | {"users": [{"name": user["name"], "user": {"token": "old"}} for user in document["users"]]}
    file = tmp_path / "renewed"
    file.write_text(json.dumps(expired))
    cluster = Cluster("staging", file, "sluice")
    with pytest.raises(PermanentError):
        await cluster.list("ConfigMap")

    file.write_text(json.dumps(document))

    assert (await cluster.list("ConfigMap"))[0] == []
    await cluster.close()


async def test_a_kind_that_is_not_installed_is_said_as_such(cluster: Cluster) -> None:
    with pytest.raises(PermanentError, match="does not serve"):
        await cluster.list("HelmChart")
    with pytest.raises(PermanentError, match="does not serve"):
        await cluster.get("HelmChart", "flux-system", "x")


async def test_a_cluster_that_is_away_is_temporary(tmp_path: Path, unused_tcp_port: int) -> None:
    file = tmp_path / "kubeconfig"
    document = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{unused_tcp_port}"}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }
    file.write_text(json.dumps(document))
    away = Cluster("staging", file)

    with pytest.raises(TemporaryError, match="cannot be reached"):
        await away.get("ConfigMap", "shop", "x")

    await away.close()


@pytest.mark.parametrize("text", [None, "", "{}", "clusters: [", "[]"])
async def test_an_unusable_kubeconfig_needs_a_person(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    unusable = Cluster("staging", file, "sluice")

    with pytest.raises(PermanentError, match="kubeconfig of cluster staging cannot be used"):
        await unusable.list("ConfigMap")


async def test_a_watch_tells_what_is_there_and_what_changes(cluster: Cluster, sandbox: SandboxCluster) -> None:
    sandbox.put(config_map("old"))
    watcher = Watcher()

    async with watching(cluster, watcher):
        await until(lambda: watcher.present == {"old": "1"})
        sandbox.put(config_map("new"))
        sandbox.put(config_map("old", "2"))
        await until(lambda: watcher.present == {"old": "2", "new": "1"})
        sandbox.objects.delete(CONFIG_MAP, "shop", "old")
        await until(lambda: watcher.present == {"new": "1"})

    assert watcher.told == 4


@pytest.mark.parametrize("refuse_next", [0, 1, 3])
async def test_a_watch_survives_410_in_both_forms(cluster: Cluster, sandbox: SandboxCluster, refuse_next: int) -> None:
    sandbox.put(config_map("kept"))
    sandbox.put(config_map("lost"))
    watcher = Watcher()

    async with watching(cluster, watcher):
        await until(lambda: len(watcher.present) == 2)
        sandbox.expire_watches(refuse_next=refuse_next)
        sandbox.objects.delete(CONFIG_MAP, "shop", "lost")
        sandbox.put(config_map("made"))
        await until(lambda: watcher.present == {"kept": "1", "made": "1"})
        sandbox.put(config_map("kept", "2"))
        await until(lambda: watcher.present == {"kept": "2", "made": "1"})

    assert watcher.told <= 6, "an unchanged object is not told again"


async def test_what_the_receiver_could_not_take_is_told_again(cluster: Cluster, sandbox: SandboxCluster) -> None:
    sandbox.put(config_map("one"))
    failing = [StaleError("not now"), StaleError("not now")]
    watcher = Watcher()

    async def take(change: Change) -> None:
        if failing:
            raise failing.pop()
        await watcher.take(change)

    task = asyncio.create_task(cluster.watch("ConfigMap", take))
    await until(lambda: watcher.present == {"one": "1"})
    task.cancel()
    await asyncio.wait([task])


async def test_without_the_right_to_watch_changes_are_still_found_by_listing(
    sandbox: SandboxCluster, tmp_path: Path
) -> None:
    sandbox.put(config_map("one"))
    document = json.loads(sandbox.kubeconfig.read_text())
    file = tmp_path / "poor"
    file.write_text(json.dumps(document | {"current-context": "poor"}))
    cluster = Hurried("staging", file)
    watcher = Watcher()

    async with watching(cluster, watcher) as task:
        await until(lambda: watcher.present == {"one": "1"})
        sandbox.put(config_map("two"))
        await until(lambda: watcher.present == {"one": "1", "two": "1"})
        assert not task.done()

    await cluster.close()


def test_kubernetes_asyncio_is_imported_only_when_a_cluster_is_spoken_to() -> None:
    code = "import sys, bot.clients.kubernetes; sys.exit('kubernetes_asyncio' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
