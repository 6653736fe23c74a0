"""The embedded cluster's image automation writes what its policies select, and behaves like the real one when late."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from git_over_http import GitHost, Project

from bot.sandbox.cluster import Cluster, Settings
from bot.sandbox.cluster.access import admin
from bot.sandbox.cluster.kinds import IMAGE_POLICY, IMAGE_REPOSITORY, IMAGE_UPDATE_AUTOMATION
from bot.sandbox.registry import Registry
from bot.sandbox.traffic import Fault

MARKED = 'images:\n  - name: demo\n    newTag: {tag} # {{"$imagepolicy": "flux-system:demo:tag"}}\n'
FILE = "apps/kustomization.yaml"


def now() -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    running = Registry("demo", tmp_path / "registry", now)
    await running.start()
    running.push_image("demo/app", "1.0.0", {"v": "1.0.0"})
    yield running
    await running.stop()


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Project]:
    host = GitHost(tmp_path)
    await host.start()
    made = Project(host, "config")
    made.commit({FILE: MARKED.format(tag="1.0.0"), "other.yaml": MARKED.format(tag="1.0.0")}, "begin")
    yield made
    await host.stop()


@pytest.fixture
async def cluster(tmp_path: Path, project: Project, registry: Registry) -> AsyncIterator[Cluster]:
    settings = Settings(failure_retry=0.05)
    running = Cluster("demo", tmp_path / "cluster", now, users=(admin("t"),), pull=lambda _: "", settings=settings)
    await running.start()
    running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}})
    for document in world(project.url, f"{registry.host}/demo/app"):
        running.put(document)
    yield running
    await running.stop()


def world(repository: str, image: str) -> list[dict[str, Any]]:
    def named(api: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        group = f"{api}.toolkit.fluxcd.io/v1"
        return {
            "apiVersion": group,
            "kind": kind,
            "metadata": {"namespace": "flux-system", "name": "demo"},
            "spec": spec,
        }

    git = {"commit": {"author": {"name": "fluxcdbot", "email": "fluxcdbot@example.com"}}, "push": {"branch": "main"}}
    update = {"path": "./apps", "strategy": "Setters"}
    source = {"kind": "GitRepository", "name": "demo"}
    automation = {"interval": "1h", "sourceRef": source, "git": git, "update": update}
    choice = {"imageRepositoryRef": {"name": "demo"}, "policy": {"semver": {"range": ">=1.0.0"}}}
    policy = {**choice, "digestReflectionPolicy": "IfNotPresent"}
    return [
        named("source", "GitRepository", {"url": repository, "ref": {"branch": "main"}, "interval": "50ms"}),
        named("image", "ImageRepository", {"image": image, "interval": "50ms"}),
        named("image", "ImagePolicy", policy),
        named("image", "ImageUpdateAutomation", automation),
    ]


async def until(holds: Callable[[], object], within: float = 8.0) -> None:
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_new_tag_is_selected_and_committed_by_fluxcdbot(
    cluster: Cluster, project: Project, registry: Registry
) -> None:
    await until(lambda: "latestRef" in status(cluster, IMAGE_POLICY))

    digest = registry.push_image("demo/app", "1.1.0", {"v": "1.1.0"})
    await until(lambda: project.read(FILE) == MARKED.format(tag="1.1.0").rstrip())

    assert project.subjects()[0] == "fluxcdbot: Update from image update automation"
    assert project.read("other.yaml") == MARKED.format(tag="1.0.0").rstrip()
    await until(lambda: "lastPushCommit" in status(cluster, IMAGE_UPDATE_AUTOMATION))
    selected = status(cluster, IMAGE_POLICY)
    assert selected["latestRef"] == {"name": f"{registry.host}/demo/app", "tag": "1.1.0", "digest": digest}
    assert selected["observedPreviousRef"]["tag"] == "1.0.0"
    assert status(cluster, IMAGE_REPOSITORY)["lastScanResult"]["tagCount"] == 2


def status(cluster: Cluster, kind: Any) -> dict[str, Any]:
    return dict(cluster.objects.get(kind, "flux-system", "demo").get("status") or {})


async def test_a_reverted_tag_is_written_again_while_its_marker_stands(
    cluster: Cluster, project: Project, registry: Registry
) -> None:
    registry.push_image("demo/app", "1.1.0", {"v": "1.1.0"})
    await until(lambda: "1.1.0" in project.read(FILE))

    project.commit({FILE: MARKED.format(tag="1.0.0")}, "revert by hand")

    await until(lambda: "1.1.0" in project.read(FILE))


async def test_a_narrowed_range_is_overrun_once_by_the_stale_selection(
    cluster: Cluster, project: Project, registry: Registry
) -> None:
    registry.push_image("demo/app", "1.1.0", {"v": "1.1.0"})
    await until(lambda: cluster.automations.pushes == 1)
    policy = cluster.objects.get(IMAGE_POLICY, "flux-system", "demo")
    project.commit({FILE: MARKED.format(tag="1.0.0")}, "revert by hand")
    cluster.put({**policy, "spec": {**policy["spec"], "policy": {"semver": {"range": "<1.1.0"}}}})

    await until(lambda: cluster.automations.pushes == 3)

    assert project.read(FILE) == MARKED.format(tag="1.0.0").rstrip()
    assert project.subjects()[:3] == [
        "fluxcdbot: Update from image update automation",
        "fluxcdbot: Update from image update automation",
        "developer: revert by hand",
    ]
    assert cluster.automations.stale_writes == 1


async def test_a_line_without_its_marker_stays_reverted(cluster: Cluster, project: Project, registry: Registry) -> None:
    registry.push_image("demo/app", "1.1.0", {"v": "1.1.0"})
    await until(lambda: cluster.automations.pushes == 1)
    pinned = "images:\n  - name: demo\n    newTag: 1.0.0 # pinned\n"
    head = project.commit({FILE: pinned}, "pin")

    registry.push_image("demo/app", "1.2.0", {"v": "1.2.0"})
    await until(lambda: (status(cluster, IMAGE_POLICY)["latestRef"] or {}).get("tag") == "1.2.0")
    await until(lambda: head in status(cluster, IMAGE_UPDATE_AUTOMATION)["observedSourceRevision"])

    assert project.read(FILE) == pinned.rstrip()
    assert cluster.automations.pushes == 1


async def test_a_range_that_cannot_be_read_stalls_the_policy(cluster: Cluster) -> None:
    policy = cluster.objects.get(IMAGE_POLICY, "flux-system", "demo")
    cluster.put({**policy, "spec": {**policy["spec"], "policy": {"semver": {"range": "nonsense"}}}})

    def stalled() -> list[dict[str, Any]]:
        return [one for one in status(cluster, IMAGE_POLICY).get("conditions", []) if one["type"] == "Stalled"]

    await until(stalled)
    assert stalled()[0]["reason"] == "InvalidPolicy"


async def test_a_registry_that_is_away_is_a_failed_scan_and_heals(cluster: Cluster, registry: Registry) -> None:
    registry.traffic.faults.append(Fault(kind="status", status=503, times=1))

    def seen(reason: str) -> bool:
        found = status(cluster, IMAGE_REPOSITORY).get("conditions", [])
        return any(one["type"] == "Ready" and one["reason"] == reason for one in found)

    await until(lambda: seen("ReadOperationFailed"))
    await until(lambda: seen("Succeeded"))


async def settled(cluster: Cluster) -> None:
    await until(lambda: "latestRef" in status(cluster, IMAGE_POLICY))
    await until(lambda: "observedPolicies" in status(cluster, IMAGE_UPDATE_AUTOMATION))


def choose(cluster: Cluster, **spec: Any) -> None:
    """Replace parts of the ImagePolicy's spec."""
    policy = cluster.objects.get(IMAGE_POLICY, "flux-system", "demo")
    cluster.put({**policy, "spec": {**policy["spec"], **spec}})


def whole(tag: str, marker: str) -> str:
    return f'image: example/demo:{tag} # {{"{marker}": "flux-system:demo"}}\n'


@pytest.mark.parametrize(
    ("policy", "pattern", "extract", "tags", "selected"),
    [
        ({"numerical": {"order": "asc"}}, r"^main-(?P<n>\d+)$", "$n", ("main-9", "main-10", "feature-11"), "main-10"),
        ({"numerical": {"order": "desc"}}, r"^main-(?P<n>\d+)$", "$n", ("main-9", "main-10"), "main-9"),
        ({"alphabetical": {"order": "asc"}}, r"^RELEASE\.(?P<at>.*)$", "$at", ("RELEASE.10", "RELEASE.9"), "RELEASE.9"),
        ({"alphabetical": {}}, r"^b-", "", ("b-1", "b-2", "c-3"), "b-2"),
        ({"semver": {"range": "^1.0.x"}}, r"^v?1\.\d+\.\d+$", "", ("1.0.1", "1.0.2-rc.1"), "1.0.1"),
        ({"semver": {"range": ">=1.0.0-0"}}, "", "", ("1.0.1", "1.0.2-rc.1"), "1.0.2-rc.1"),
    ],
)
async def test_each_kind_of_policy_writes_what_it_selects(
    cluster: Cluster,
    project: Project,
    registry: Registry,
    *,
    policy: dict[str, Any],
    pattern: str,
    extract: str,
    tags: tuple[str, ...],
    selected: str,
) -> None:
    await settled(cluster)
    for tag in tags:
        registry.push_image("demo/app", tag, {"v": tag})

    choose(cluster, policy=policy, filterTags={"pattern": pattern, "extract": extract} if pattern else None)
    await cluster.rescan()
    await cluster.rescan()

    assert status(cluster, IMAGE_POLICY)["latestRef"]["tag"] == selected
    assert project.read(FILE) == MARKED.format(tag=selected).rstrip()


@pytest.mark.parametrize("reflects", ["Always", "IfNotPresent", "Never"])
async def test_a_retagged_digest_is_followed_as_the_policy_says(
    cluster: Cluster, registry: Registry, reflects: str
) -> None:
    choose(cluster, digestReflectionPolicy=reflects, interval="1h")
    first = registry.digest_of("demo/app", "1.0.0")
    await cluster.rescan()

    rebuilt = registry.push_image("demo/app", "1.0.0", {"v": "1.0.0", "salt": "rebuilt"})
    await cluster.rescan()

    latest = status(cluster, IMAGE_POLICY)["latestRef"]
    assert first != rebuilt
    assert latest.get("digest") == {"Always": rebuilt, "IfNotPresent": first, "Never": None}[reflects]


async def test_a_pinned_marker_is_left_alone_however_often_it_is_looked_at(
    cluster: Cluster, project: Project, registry: Registry
) -> None:
    await settled(cluster)
    pinned = whole("1.0.0", "$sluice-pinned")
    project.commit({FILE: pinned}, "pin")
    registry.push_image("demo/app", "2.0.0", {"v": "2.0.0"})

    await cluster.rescan(20)

    assert status(cluster, IMAGE_POLICY)["latestRef"]["tag"] == "2.0.0"
    assert project.read(FILE) == pinned.rstrip()
    assert cluster.automations.pushes == 0


async def test_a_marker_that_is_restored_is_written_again(
    cluster: Cluster, project: Project, registry: Registry
) -> None:
    await settled(cluster)
    project.commit({FILE: whole("1.0.0", "$sluice-pinned")}, "pin")
    registry.push_image("demo/app", "2.0.0", {"v": "2.0.0"})
    await cluster.rescan()

    project.commit({FILE: whole("1.0.0", "$imagepolicy")}, "lift the pin")
    await cluster.rescan()
    await cluster.rescan()

    latest = status(cluster, IMAGE_POLICY)["latestRef"]
    assert f"{latest['name']}:2.0.0@{latest['digest']}" in project.read(FILE)


async def test_a_whole_look_ends_with_the_commit(cluster: Cluster, project: Project, registry: Registry) -> None:
    await settled(cluster)
    registry.push_image("demo/app", "1.1.0", {"v": "1.1.0"})

    await cluster.rescan()

    assert project.read(FILE) == MARKED.format(tag="1.1.0").rstrip()
