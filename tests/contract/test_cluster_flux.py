"""The embedded cluster follows a repository as Flux does and says what Flux says, byte for byte in shape."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from git_over_http import GitHost, Project
from shared_payloads import load_payload

from bot.sandbox.cluster import Cluster, Settings
from bot.sandbox.cluster.access import admin
from bot.sandbox.cluster.kinds import DEPLOYMENT, EVENT, GIT_REPOSITORY, KUSTOMIZATION
from bot.sandbox.serving import Listener

SECRET = "flux-secret"
MISSING = "registry.example/demo:9.9.9"
FAST = Settings(
    rollout=0.02, stall=0.04, poll=0.01, dependency_retry=0.02, failure_retry=0.05, retry_waits=(0.01, 0.02)
)


class Hearing:
    """A provider's receiver: keeps what it hears, refuses as often as it is told."""

    def __init__(self) -> None:
        self.refuse = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        app = web.Application()
        app.router.add_post("/hooks/flux/demo", self._hear)
        self.listener = Listener(app)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    def reasons(self, kind: str = "Kustomization") -> list[str]:
        return [body["reason"] for body in self.bodies if body["involvedObject"]["kind"] == kind]

    def about(self, reason: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies if body["reason"] == reason]

    async def _hear(self, request: web.Request) -> web.Response:
        if self.refuse > 0:
            self.refuse -= 1
            return web.Response(status=503)
        self.requests.append((dict(request.headers), await request.read()))
        return web.Response(status=202)


@pytest.fixture
async def hearing() -> AsyncIterator[Hearing]:
    receiver = Hearing()
    await receiver.listener.start("127.0.0.1")
    yield receiver
    await receiver.listener.stop()


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Project]:
    host = GitHost(tmp_path)
    await host.start()
    made = Project(host, "config")
    made.commit(files_with("registry.example/demo", "1.0.0"), "demo 1.0.0")
    yield made
    await host.stop()


@pytest.fixture
async def cluster(tmp_path: Path, project: Project, hearing: Hearing) -> AsyncIterator[Cluster]:
    running = Cluster(
        "demo",
        tmp_path / "cluster",
        lambda: datetime(2026, 11, 23, 7, 5, 49, tzinfo=UTC),
        users=(admin("t"),),
        pull=lambda image: None if image == MISSING else "sha256:" + "1" * 64,
        settings=FAST,
    )
    await running.start()
    for document in world(project.url, f"{hearing.listener.url}/hooks/flux/demo"):
        running.put(document)
    yield running
    await running.stop()


def files_with(image: str, tag: str, **more: str) -> dict[str, str]:
    container = "      containers:\n        - name: app\n          image: demo\n"
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: demo\nspec:\n  replicas: 1\n"
        "  selector:\n    matchLabels: {app: demo}\n  template:\n    metadata:\n      labels: {app: demo}\n"
        f"    spec:\n{container}"
    )
    overlay = (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: demo\n"
        f"resources: [deployment.yaml]\nimages:\n  - name: demo\n    newName: {image}\n    newTag: {tag}\n"
    )
    return {"apps/deployment.yaml": deployment, "apps/kustomization.yaml": overlay, **more}


def world(repository: str, address: str) -> list[dict[str, Any]]:
    def named(api: str, kind: str, name: str, spec: dict[str, Any], **meta: Any) -> dict[str, Any]:
        return {
            "apiVersion": api,
            "kind": kind,
            "metadata": {"namespace": "flux-system", "name": name, **meta},
            "spec": spec,
        }

    sources = [{"kind": "GitRepository", "name": "*"}, {"kind": "Kustomization", "name": "*"}]
    metadata = {"cluster": "demo", "environment": "staging"}
    return [
        *[{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("flux-system", "demo")],
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"namespace": "flux-system", "name": "hook"},
            "stringData": {"token": SECRET, "address": address},
        },
        named("notification.toolkit.fluxcd.io/v1beta3", "Provider", "bot",
              {"type": "generic-hmac", "secretRef": {"name": "hook"}, "timeout": "60s"}),
        named("notification.toolkit.fluxcd.io/v1beta3", "Alert", "bot",
              {"providerRef": {"name": "bot"}, "eventSources": sources, "eventMetadata": metadata}),
        named("source.toolkit.fluxcd.io/v1", "GitRepository", "config",
              {"url": repository, "ref": {"branch": "main"}, "interval": "50ms"}),
        named("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "demo",
              {"interval": "1h", "retryInterval": "1h", "timeout": "2s", "path": "./apps", "prune": True, "wait": True,
               "sourceRef": {"kind": "GitRepository", "name": "config"}},
              annotations={"event.toolkit.fluxcd.io/team": "payments"}),
    ]  # fmt: skip


async def until(holds: Callable[[], object], within: float = 8.0) -> None:
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


def kustomization(cluster: Cluster) -> dict[str, Any]:
    return cluster.objects.get(KUSTOMIZATION, "flux-system", "demo")


def condition(document: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((one for one in document["status"]["conditions"] if one["type"] == kind), {})


def applied(cluster: Cluster, sha: str) -> bool:
    return bool((kustomization(cluster).get("status") or {}).get("lastAppliedRevision") == f"main@sha1:{sha}")


async def test_a_commit_is_told_in_fluxs_order(cluster: Cluster, hearing: Hearing) -> None:
    await until(lambda: len(hearing.requests) == 4)

    assert hearing.reasons("GitRepository") == ["NewArtifact"]
    assert sorted(hearing.reasons()) == ["Progressing", "Progressing", "ReconciliationSucceeded"]
    messages = [body["message"] for body in hearing.about("Progressing")]
    assert "Deployment/demo/demo created" in messages
    assert any(message.startswith("Health check passed in ") for message in messages)
    done = hearing.about("ReconciliationSucceeded")[0]
    assert done["message"].startswith("Reconciliation finished in ")
    assert done["message"].endswith(", next run in 1h0m0s")
    assert done["metadata"]["commit_status"] == "update"
    assert hearing.about("NewArtifact")[0]["message"] == "stored artifact for commit 'demo 1.0.0'"


async def test_every_body_is_signed_over_its_raw_bytes(cluster: Cluster, hearing: Hearing) -> None:
    await until(lambda: len(hearing.requests) == 4)

    for headers, body in hearing.requests:
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Signature"] == f"sha256={expected}"
        assert headers["Gotk-Component"] in ("source-controller", "kustomize-controller")


@pytest.mark.parametrize(
    "recorded",
    ["GitRepository-NewArtifact-info", "Kustomization-Progressing-info", "Kustomization-ReconciliationSucceeded-info"],
)
async def test_a_body_has_the_recorded_ones_keys_in_their_order(
    cluster: Cluster, hearing: Hearing, recorded: str
) -> None:
    delivery = load_payload(f"flux/generic-hmac-{recorded}.json")
    real = json.loads(delivery["raw"])
    await until(lambda: len(hearing.requests) == 4)

    headers, raw = next(one for one in hearing.requests if json.loads(one[1])["reason"] == real["reason"])
    ours = json.loads(raw)

    assert list(ours) == list(real)
    assert list(ours["involvedObject"]) == list(real["involvedObject"])
    settings_of_the_recording = {"app.kubernetes.io/part-of", "deploymentID", "env", "region", "team", "cluster"}
    assert set(real["metadata"]) - settings_of_the_recording <= set(ours["metadata"])
    assert ours["reportingController"] == real["reportingController"]
    assert {name.lower() for name, _ in delivery["headers"]} == {name.lower() for name in headers}


async def test_metadata_has_the_alerts_and_the_objects_keys(cluster: Cluster, hearing: Hearing) -> None:
    await until(lambda: len(hearing.requests) == 4)

    metadata = hearing.about("ReconciliationSucceeded")[0]["metadata"]
    assert (metadata["cluster"], metadata["environment"], metadata["team"]) == ("demo", "staging", "payments")
    assert metadata["revision"].startswith("main@sha1:")


async def test_status_and_history_tell_what_was_applied(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    sha = project.commit(files_with("registry.example/demo", "1.1.0"), "demo 1.1.0")
    await until(lambda: applied(cluster, sha))

    found = kustomization(cluster)
    status = found["status"]
    assert status["observedGeneration"] == found["metadata"]["generation"]
    assert status["lastAttemptedRevision"] == f"main@sha1:{sha}"
    assert condition(found, "Ready")["message"] == f"Applied revision: main@sha1:{sha}"
    assert condition(found, "Healthy")["status"] == "True"
    assert condition(found, "Reconciling") == {}
    assert status["inventory"]["entries"] == [{"id": "demo_demo_apps_Deployment", "v": "v1"}]
    assert status["history"][0]["metadata"] == {"revision": f"main@sha1:{sha}"}
    assert status["history"][0]["lastReconciledStatus"] == "ReconciliationSucceeded"
    deployment = cluster.objects.get(DEPLOYMENT, "demo", "demo")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/demo:1.1.0"


async def test_a_commit_that_changes_nothing_here_is_reported_all_the_same(
    cluster: Cluster, project: Project, hearing: Hearing
) -> None:
    await until(lambda: len(hearing.requests) == 4)

    sha = project.commit({"README.md": "elsewhere\n"}, "docs")
    await until(lambda: len(hearing.requests) == 6)

    assert applied(cluster, sha)
    assert hearing.reasons()[3:] == ["ReconciliationSucceeded"]
    history = kustomization(cluster)["status"]["history"]
    assert [(one["totalReconciliations"]) for one in history] == [2]


async def test_history_keeps_five_snapshots(cluster: Cluster, project: Project) -> None:
    for number in range(7):
        sha = project.commit(files_with("registry.example/demo", f"2.{number}.0"), f"demo 2.{number}.0")
        await until(partial(applied, cluster, sha))

    assert len(kustomization(cluster)["status"]["history"]) == 5


async def test_broken_yaml_is_a_build_failure(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    project.commit({"apps/deployment.yaml": "kind: Deployment\nmetadata: [\n"}, "break")
    await until(lambda: hearing.about("BuildFailed"))

    body = hearing.about("BuildFailed")[0]
    assert body["severity"] == "error"
    assert body["message"].startswith("kustomize build failed: MalformedYAMLError: yaml: line")
    assert "commit_status" not in body["metadata"]
    assert condition(kustomization(cluster), "Ready")["reason"] == "BuildFailed"
    assert condition(kustomization(cluster), "Reconciling")["reason"] == "ProgressingWithRetry"


async def test_a_field_that_is_not_modelled_is_refused_loudly(
    cluster: Cluster, project: Project, hearing: Hearing
) -> None:
    text = files_with("registry.example/demo", "1.0.0")["apps/kustomization.yaml"] + "vars: []\n"
    project.commit({"apps/kustomization.yaml": text}, "vars")
    await until(lambda: hearing.about("BuildFailed"))

    assert (
        "vars in apps/kustomization.yaml is not modelled by the sandbox" in hearing.about("BuildFailed")[0]["message"]
    )


async def test_a_wrong_type_fails_the_dry_run(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    text = files_with("registry.example/demo", "1.0.0")["apps/deployment.yaml"].replace("replicas: 1", 'replicas: "3"')
    project.commit({"apps/deployment.yaml": text}, "text as number")
    await until(lambda: hearing.about("ReconciliationFailed"))

    real = load_payload("flux/generic-hmac-Kustomization-ReconciliationFailed-error.json")["body"]
    assert hearing.about("ReconciliationFailed")[0]["message"] == real["message"]


async def test_an_image_that_cannot_be_pulled_fails_health_early(
    cluster: Cluster, project: Project, hearing: Hearing
) -> None:
    await until(lambda: len(hearing.requests) == 4)
    before = kustomization(cluster)["status"]["lastAppliedRevision"]

    sha = project.commit(files_with("registry.example/demo", "9.9.9"), "demo 9.9.9")
    await until(lambda: hearing.about("HealthCheckFailed"))

    message = hearing.about("HealthCheckFailed")[0]["message"]
    assert message.startswith("health check failed after ")
    assert message.endswith("failed early due to stalled resources: [Deployment/demo/demo status: 'Failed']")
    status = kustomization(cluster)["status"]
    assert status["lastAppliedRevision"] == before
    assert status["lastAttemptedRevision"] == f"main@sha1:{sha}"
    assert status["history"][0]["lastReconciledStatus"] == "HealthCheckFailed"


async def test_an_image_that_never_gets_ready_times_out(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    cluster.set_outcome("registry.example/demo:3.0.0", "hangs")
    project.commit(files_with("registry.example/demo", "3.0.0"), "demo 3.0.0")
    await until(lambda: hearing.about("HealthCheckFailed"))

    message = hearing.about("HealthCheckFailed")[0]["message"]
    assert message.endswith("timeout waiting for: [Deployment/demo/demo status: 'InProgress']")


async def test_a_marked_object_is_left_alone(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    await until(lambda: len(hearing.requests) == 4)
    live = cluster.objects.get(DEPLOYMENT, "demo", "demo")
    live["metadata"].setdefault("annotations", {})["kustomize.toolkit.fluxcd.io/reconcile"] = "disabled"
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/demo:0.9.0"
    cluster.objects.update(DEPLOYMENT, live)

    sha = project.commit(files_with("registry.example/demo", "1.2.0"), "demo 1.2.0")
    await until(lambda: applied(cluster, sha))

    image = cluster.objects.get(DEPLOYMENT, "demo", "demo")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "registry.example/demo:0.9.0"


async def test_a_live_change_is_put_back_by_the_next_reconciliation(cluster: Cluster, hearing: Hearing) -> None:
    await until(lambda: len(hearing.requests) == 4)
    live = cluster.objects.get(DEPLOYMENT, "demo", "demo")
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/demo:0.9.0"
    cluster.objects.update(DEPLOYMENT, live)

    cluster.reconcile("Kustomization", "flux-system", "demo")
    await until(lambda: len(hearing.about("ReconciliationSucceeded")) == 2)

    assert [body["message"] for body in hearing.about("Progressing")][-1] == "Deployment/demo/demo configured"
    image = cluster.objects.get(DEPLOYMENT, "demo", "demo")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "registry.example/demo:1.0.0"


async def test_what_left_git_is_pruned(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: b}\n"
    overlay = files_with("registry.example/demo", "1.0.0")["apps/kustomization.yaml"]
    with_extra = overlay.replace("[deployment.yaml]", "[deployment.yaml, extra.yaml]")
    project.commit({"apps/extra.yaml": extra, "apps/kustomization.yaml": with_extra}, "add")
    await until(lambda: any("ConfigMap/demo/extra created" in body["message"] for body in hearing.bodies))

    project.commit({"apps/kustomization.yaml": overlay}, "remove")
    await until(lambda: any(body["message"] == "ConfigMap/demo/extra deleted" for body in hearing.bodies))

    assert len(kustomization(cluster)["status"]["inventory"]["entries"]) == 1


async def test_a_suspended_kustomization_stands_still(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    await until(lambda: len(hearing.requests) == 4)
    document = kustomization(cluster)
    cluster.put({**document, "spec": {**document["spec"], "suspend": True}})

    sha = project.commit(files_with("registry.example/demo", "1.3.0"), "demo 1.3.0")
    source = ("flux-system", "config")
    await until(lambda: sha in cluster.objects.get(GIT_REPOSITORY, *source)["status"]["artifact"]["revision"])

    assert not applied(cluster, sha)


async def test_a_dependency_holds_its_dependents_back(cluster: Cluster, project: Project, hearing: Hearing) -> None:
    document = kustomization(cluster)
    spec = {**document["spec"], "dependsOn": [{"name": "demo"}], "targetNamespace": "flux-system"}
    cluster.set_outcome("registry.example/demo:4.0.0", "hangs")
    project.commit(files_with("registry.example/demo", "4.0.0"), "demo 4.0.0")
    cluster.put({**document, "metadata": {"namespace": "flux-system", "name": "after"}, "spec": spec, "status": {}})
    await until(lambda: hearing.about("DependencyNotReady"))

    body = hearing.about("DependencyNotReady")[0]
    assert body["severity"] == "info"
    assert body["involvedObject"]["name"] == "after"


async def test_a_repository_that_is_away_is_told_and_healed(
    cluster: Cluster, project: Project, hearing: Hearing
) -> None:
    await until(lambda: len(hearing.requests) == 4)
    document = cluster.objects.get(GIT_REPOSITORY, "flux-system", "config")
    cluster.put({**document, "spec": {**document["spec"], "ref": {"branch": "gone"}}})
    await until(lambda: hearing.about("GitOperationFailed"))

    cluster.put({**document, "spec": {**document["spec"], "ref": {"branch": "main"}}})

    def ready() -> bool:
        found = condition(cluster.objects.get(GIT_REPOSITORY, "flux-system", "config"), "Ready")
        return bool(found["status"] == "True")

    await until(ready)
    assert hearing.about("GitOperationFailed")[0]["message"].startswith("failed to checkout and determine revision:")


async def test_a_refused_delivery_is_tried_again(cluster: Cluster, hearing: Hearing) -> None:
    hearing.refuse = 2

    # The cluster counts an answer once it has read it, which is after the receiver kept the request.
    await until(lambda: cluster.notifications.outbox.counters["posted"] == 6)

    assert hearing.refuse == 0
    assert len(hearing.requests) == 4


async def test_a_given_up_delivery_leaves_an_event_on_the_alert(cluster: Cluster, hearing: Hearing) -> None:
    hearing.refuse = 1000

    def failures() -> list[dict[str, Any]]:
        return [one for one in cluster.objects.all(EVENT) if one["reason"] == "NotificationDispatchFailed"]

    await until(failures)
    assert failures()[0]["involvedObject"]["kind"] == "Alert"


async def test_equal_events_within_the_rate_limit_are_dropped(cluster: Cluster, hearing: Hearing) -> None:
    cluster.settings.rate_limit = 60
    document = kustomization(cluster)
    for _ in range(2):
        cluster.kustomizations._recorder.say(document, "info", "Progressing", "same", controller="kustomize-controller")

    await until(lambda: cluster.notifications.outbox.counters["rate_limited"] == 1)
    assert [body["message"] for body in hearing.bodies].count("same") <= 1
