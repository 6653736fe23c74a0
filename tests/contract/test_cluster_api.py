"""The embedded cluster serves its objects as Kubernetes does, seen through kubernetes-asyncio alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.exceptions import ApiException

from bot.sandbox.cluster import Cluster, Settings
from bot.sandbox.cluster.access import admin, reader

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
KUSTOMIZE = ("kustomize.toolkit.fluxcd.io", "v1", "flux-system", "kustomizations")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    running = Cluster(
        "demo",
        tmp_path,
        lambda: datetime(2026, 1, 1, tzinfo=UTC),
        users=(reader("reader-token"), admin("admin-token")),
        pull=lambda image: "sha256:" + "0" * 64,
        settings=Settings(rollout=0.02, bookmark_every=0.05),
    )
    await running.start()
    for name in ("flux-system", "demo"):
        running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield running
    await running.stop()


async def api_as(cluster: Cluster, context: str) -> client.ApiClient:
    return await config.new_client_from_config(config_file=str(cluster.kubeconfig), context=context)


@pytest.fixture
async def as_admin(cluster: Cluster) -> AsyncIterator[client.ApiClient]:
    async with await api_as(cluster, "admin") as api:
        yield api


@pytest.fixture
async def as_bot(cluster: Cluster) -> AsyncIterator[client.ApiClient]:
    async with await api_as(cluster, "sluice") as api:
        yield api


def kustomization(name: str, **spec: Any) -> dict[str, Any]:
    given = {"interval": "10m", "path": "./", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "none"}}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {**given, "suspend": True, **spec},
    }


async def create(api: client.ApiClient, name: str, **spec: Any) -> dict[str, Any]:
    made = await client.CustomObjectsApi(api).create_namespaced_custom_object(*KUSTOMIZE, kustomization(name, **spec))
    return dict(made)


async def merge(api: client.ApiClient, body: Any, *, content_type: str = MERGE) -> dict[str, Any]:
    """Patch the Kustomization `a`. The client's typed signature does not know its own `_content_type`."""
    call: Any = client.CustomObjectsApi(api).patch_namespaced_custom_object
    return dict(await call(*KUSTOMIZE, "a", body, _content_type=content_type))


async def merge_status(api: client.ApiClient, where: tuple[str, ...], name: str, body: Any) -> dict[str, Any]:
    call: Any = client.CustomObjectsApi(api).patch_namespaced_custom_object_status
    return dict(await call(*where, name, body, _content_type=MERGE))


def said(error: ApiException) -> str:
    """The message of the Status object in a refusal."""
    return str(json.loads(error.body or b"{}")["message"])


async def test_a_created_object_has_the_metadata_of_a_real_one(as_admin: client.ApiClient) -> None:
    made = await create(as_admin, "a")

    meta = made["metadata"]
    assert meta["generation"] == 1
    assert meta["uid"]
    assert int(meta["resourceVersion"]) > 0
    assert meta["creationTimestamp"] == "2026-01-01T00:00:00Z"


async def test_generation_counts_changes_of_the_spec_only(as_admin: client.ApiClient) -> None:
    await create(as_admin, "a")

    labelled = await merge(as_admin, {"metadata": {"labels": {"x": "y"}}})
    changed = await merge(as_admin, {"spec": {"path": "./apps"}})
    same = await merge(as_admin, {"spec": {"path": "./apps"}})

    assert (labelled["metadata"]["generation"], changed["metadata"]["generation"]) == (1, 2)
    assert same["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]


async def test_an_update_against_an_old_version_conflicts(as_admin: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(as_admin)
    old = await create(as_admin, "a")
    await merge(as_admin, {"spec": {"path": "./b"}})

    with pytest.raises(ApiException) as caught:
        await custom.replace_namespaced_custom_object(*KUSTOMIZE, "a", old)

    assert caught.value.status == 409
    assert "the object has been modified" in said(caught.value)


async def test_status_is_written_only_through_its_subresource(as_admin: client.ApiClient) -> None:
    await create(as_admin, "a")
    status = {"status": {"lastAppliedRevision": "main@sha1:x"}}

    ignored = await merge(as_admin, status)
    written = await merge_status(as_admin, KUSTOMIZE, "a", status)

    assert "lastAppliedRevision" not in ignored.get("status", {})
    assert written["status"]["lastAppliedRevision"] == "main@sha1:x"
    assert written["metadata"]["generation"] == 1


async def test_a_json_patch_with_a_failing_test_changes_nothing(as_admin: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(as_admin)
    await create(as_admin, "a")
    operations = [
        {"op": "replace", "path": "/spec/path", "value": "./new"},
        {"op": "test", "path": "/spec/interval", "value": "1h"},
    ]

    with pytest.raises(ApiException) as caught:
        await custom.patch_namespaced_custom_object(*KUSTOMIZE, "a", operations)

    assert caught.value.status == 400
    assert (await custom.get_namespaced_custom_object(*KUSTOMIZE, "a"))["spec"]["path"] == "./"


async def create_deployment(apps: client.AppsV1Api, spec: dict[str, Any]) -> None:
    call: Any = apps.create_namespaced_deployment
    await call("demo", {"metadata": {"name": "demo"}, "spec": spec})


async def test_a_strategic_patch_changes_one_container_of_a_deployment(as_admin: client.ApiClient) -> None:
    apps = client.AppsV1Api(as_admin)
    containers = [{"name": "app", "image": "demo:1"}, {"name": "proxy", "image": "proxy:1"}]
    template = {"metadata": {"labels": {"app": "demo"}}, "spec": {"containers": containers}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "demo"}}, "template": template}
    await create_deployment(apps, spec)

    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "demo:2"}]}}}}
    call: Any = apps.patch_namespaced_deployment
    patched = await call("demo", "demo", patch, _content_type=STRATEGIC)

    images = {one.name: one.image for one in patched.spec.template.spec.containers}
    assert images == {"app": "demo:2", "proxy": "proxy:1"}


async def test_custom_resources_refuse_strategic_patches(as_admin: client.ApiClient) -> None:
    await create(as_admin, "a")

    with pytest.raises(ApiException) as caught:
        await merge(as_admin, {"spec": {}}, content_type=STRATEGIC)

    assert caught.value.status == 415


async def test_lists_come_in_pages_of_one_snapshot(as_admin: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(as_admin)
    for name in ("a", "b", "c"):
        await create(as_admin, name)

    first = await custom.list_namespaced_custom_object(*KUSTOMIZE, limit=2)
    await create(as_admin, "d")
    second = await custom.list_namespaced_custom_object(*KUSTOMIZE, limit=2, _continue=first["metadata"]["continue"])

    assert [one["metadata"]["name"] for one in first["items"]] == ["a", "b"]
    assert [one["metadata"]["name"] for one in second["items"]] == ["c"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert first["metadata"]["remainingItemCount"] == 1


@pytest.mark.parametrize(
    ("selector", "names"),
    [("app=a", ["a"]), ("app!=a", ["b"]), ("app in (a, b)", ["a", "b"]), ("app notin (a)", ["b"]), ("!app", [])],
)
async def test_label_selectors_select(as_admin: client.ApiClient, selector: str, names: list[str]) -> None:
    for name in ("a", "b"):
        await create(as_admin, name)

    found = await client.CustomObjectsApi(as_admin).list_namespaced_custom_object(*KUSTOMIZE, label_selector=selector)

    assert [one["metadata"]["name"] for one in found["items"]] == names


async def test_a_watch_from_a_list_tells_what_happened_since(as_admin: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(as_admin)
    await create(as_admin, "a")
    listed = await custom.list_namespaced_custom_object(*KUSTOMIZE)
    await create(as_admin, "b")
    await custom.delete_namespaced_custom_object(*KUSTOMIZE, "a")

    version = listed["metadata"]["resourceVersion"]
    events = await seen(as_admin, count=2, resource_version=version)

    assert [(one["type"], one["object"]["metadata"]["name"]) for one in events] == [("ADDED", "b"), ("DELETED", "a")]


async def seen(api: client.ApiClient, *, count: int, **arguments: Any) -> list[dict[str, Any]]:
    """The first events of a watch."""
    events: list[dict[str, Any]] = []
    async with watch.Watch() as watching:
        list_all = client.CustomObjectsApi(api).list_namespaced_custom_object
        async with asyncio.timeout(5):
            async for event in watching.stream(list_all, *KUSTOMIZE, **arguments):
                events.append(event)
                if len(events) == count:
                    break
    return events


async def test_an_object_leaving_the_selection_is_deleted_for_its_watcher(as_admin: client.ApiClient) -> None:
    made = await create(as_admin, "a")
    await merge(as_admin, {"metadata": {"labels": {"app": "else"}}})

    version = made["metadata"]["resourceVersion"]
    events = await seen(as_admin, count=1, resource_version=version, label_selector="app=a")

    assert events[0]["type"] == "DELETED"


async def test_a_quiet_watch_sends_bookmarks_with_the_present_version(as_admin: client.ApiClient) -> None:
    made = await create(as_admin, "a")

    version = made["metadata"]["resourceVersion"]
    events = await seen(as_admin, count=1, resource_version=version, allow_watch_bookmarks=True)

    assert events[0]["type"] == "BOOKMARK"
    assert int(events[0]["raw_object"]["metadata"]["resourceVersion"]) >= int(version)


async def test_a_watch_ends_when_its_time_is_over(as_admin: client.ApiClient) -> None:
    list_all = client.CustomObjectsApi(as_admin).list_namespaced_custom_object
    async with watch.Watch() as watching:
        events = [event async for event in watching.stream(list_all, *KUSTOMIZE, timeout_seconds=1)]

    assert events == []


async def test_an_expired_version_ends_the_watch_with_410(cluster: Cluster, as_admin: client.ApiClient) -> None:
    made = await create(as_admin, "a")
    cluster.expire_watches()

    with pytest.raises(ApiException) as caught:
        await seen(as_admin, count=1, resource_version=made["metadata"]["resourceVersion"])

    assert caught.value.status == 410


async def test_an_open_watch_can_be_expired_under_way(cluster: Cluster, as_admin: client.ApiClient) -> None:
    made = await create(as_admin, "a")
    list_all = client.CustomObjectsApi(as_admin).list_namespaced_custom_object
    version = made["metadata"]["resourceVersion"]
    response = await list_all(*KUSTOMIZE, watch=True, resource_version=version, _preload_content=False)

    async with asyncio.timeout(5):
        while cluster.expire_watches() == 0:
            await asyncio.sleep(0.01)
        text = (await response.content.read()).decode()

    assert '"type":"ERROR"' in text
    assert '"code":410' in text


async def test_a_watch_can_be_refused_with_http_410(cluster: Cluster, as_admin: client.ApiClient) -> None:
    cluster.expire_watches(refuse_next=1)

    list_all = client.CustomObjectsApi(as_admin).list_namespaced_custom_object
    with pytest.raises(ApiException) as caught:
        await list_all(*KUSTOMIZE, watch=True, resource_version="1")

    assert caught.value.status == 410


async def test_a_forgotten_continue_token_is_410(cluster: Cluster, as_admin: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(as_admin)
    for name in ("a", "b"):
        await create(as_admin, name)
    first = await custom.list_namespaced_custom_object(*KUSTOMIZE, limit=1)
    cluster.expire_watches()

    with pytest.raises(ApiException) as caught:
        await custom.list_namespaced_custom_object(*KUSTOMIZE, limit=1, _continue=first["metadata"]["continue"])

    assert caught.value.status == 410


async def test_the_bots_account_reads_but_does_not_write(as_admin: client.ApiClient, as_bot: client.ApiClient) -> None:
    await create(as_admin, "a")
    custom = client.CustomObjectsApi(as_bot)

    found = await custom.get_namespaced_custom_object(*KUSTOMIZE, "a")
    with pytest.raises(ApiException) as caught:
        await merge(as_bot, {"spec": {"suspend": False}})

    assert found["metadata"]["name"] == "a"
    assert caught.value.status == 403
    assert 'User "system:serviceaccount:sluice:sluice" cannot patch resource "kustomizations"' in said(caught.value)


async def test_the_bots_account_does_not_see_secrets(as_bot: client.ApiClient) -> None:
    with pytest.raises(ApiException) as caught:
        await client.CoreV1Api(as_bot).list_namespaced_secret("flux-system")

    assert caught.value.status == 403


async def test_a_wrong_token_is_401(cluster: Cluster) -> None:
    wrong = client.Configuration(host=cluster.url)
    wrong.api_key["BearerToken"] = "Bearer wrong"
    async with client.ApiClient(wrong) as api:
        with pytest.raises(ApiException) as caught:
            await client.CoreV1Api(api).list_namespace()

    assert caught.value.status == 401


async def test_what_is_not_there_is_404_by_its_name(as_bot: client.ApiClient) -> None:
    with pytest.raises(ApiException) as caught:
        await client.CustomObjectsApi(as_bot).get_namespaced_custom_object(*KUSTOMIZE, "ghost")

    assert caught.value.status == 404
    assert 'kustomizations.kustomize.toolkit.fluxcd.io "ghost" not found' in said(caught.value)


async def test_discovery_names_every_group_that_is_read(as_bot: client.ApiClient) -> None:
    groups = await client.ApisApi(as_bot).get_api_versions()
    version = await client.VersionApi(as_bot).get_code()

    names = {group.name for group in groups.groups}
    expected = {"apps", "kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"}
    assert expected | {"image.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io", "flagger.app"} <= names
    assert version.git_version.startswith("v1.")


async def test_canaries_and_helm_releases_are_kept_as_they_are_written(as_admin: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(as_admin)
    where = ("flagger.app", "v1beta1", "demo", "canaries")
    canary = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": {"name": "demo"}, "spec": {}}
    await custom.create_namespaced_custom_object(*where, canary)

    status = {"status": {"phase": "Progressing", "canaryWeight": 10}}
    await merge_status(as_admin, where, "demo", status)

    assert (await custom.get_namespaced_custom_object(*where, "demo"))["status"] == status["status"]


async def test_deployments_deserialize_as_the_clients_own_type_with_pods(as_admin: client.ApiClient) -> None:
    apps, core = client.AppsV1Api(as_admin), client.CoreV1Api(as_admin)
    template = {"metadata": {"labels": {"app": "demo"}}, "spec": {"containers": [{"name": "app", "image": "r/demo:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "demo"}}, "template": template}
    await create_deployment(apps, spec)

    async with asyncio.timeout(5):
        while (await apps.read_namespaced_deployment("demo", "demo")).status.available_replicas != 2:
            await asyncio.sleep(0.02)
    pods = await core.list_namespaced_pod("demo", label_selector="app=demo")

    assert len(pods.items) == 2
    assert pods.items[0].status.container_statuses[0].image_id == "r/demo@sha256:" + "0" * 64
