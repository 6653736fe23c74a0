"""Every object that a cluster gets is valid by the schemas of the versions that run there: each field, each type.

kubeconform judges; `flux_schemas` says where the schemas come from.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flux_breaking import Change, broken
from flux_checks import declared
from flux_schemas import MODULE, Fault, faults, folder, strict
from flux_tree import CLUSTERS, TREE, Tree

from bot.sandbox.documents import Document

ALTERNATIVES = {
    cluster: TREE.flux / "image-automation" / "multi-registry" / cluster for cluster in ("staging", "production")
}
GO_MOD = (MODULE / "go.mod").read_text("utf-8")
APPS, INFRASTRUCTURE = "flux/apps", "flux/infrastructure"
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_cluster
def test_every_object_of_a_cluster_is_valid(
    cluster: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    builds = builds_of(cluster)

    looked_at, found = faults(builds, tmp_path)

    assert [said(TREE, one) for one in found] == []
    assert looked_at == sum(len(objects) for objects in builds.values())
    for name, objects in builds.items():
        record_property("overlay", f"{name}\t{len(objects)}")


@pytest.mark.parametrize(
    ("file", "ours", "wrong", "message"),
    [
        (f"{APPS}/demo-service/base/deployment.yaml", "readinessProbe:", "readynessProbe:", "'readynessProbe'"),
        (f"{APPS}/demo-service/base/deployment.yaml", "containerPort: 8080", "containerPort: http", "want integer"),
        (f"{APPS}/demo-service/base/autoscaler.yaml", "scaleTargetRef:", "scaleTarget:", "missing property"),
        (f"{APPS}/demo-service/canary/canary.yaml", "portName: http", "portname: http", "'portname'"),
        (f"{APPS}/bot/base/service-monitor.yaml", "interval: 30s", "interval: 30 seconds", "does not match pattern"),
        (f"{APPS}/bot/base/network-policies.yaml", "protocol: TCP", "protocoll: TCP", "'protocoll'"),
        (f"{INFRASTRUCTURE}/sources/flagger.yaml", "operation: copy", "operation: move", "must be one of"),
        (f"{INFRASTRUCTURE}/flagger/flagger.yaml", "retries: 3", "retry: 3", "'retry'"),
        (f"{INFRASTRUCTURE}/layers.yaml", "wait: true", "wait: always", "want boolean"),
        (f"{INFRASTRUCTURE}/opentelemetry/collector.yaml", "mode: deployment", "mode: replicaset", "must be one of"),
        (f"{INFRASTRUCTURE}/opentelemetry/collector.yaml", "    receivers:", "    receiver:", "missing property"),
        (f"{INFRASTRUCTURE}/opentelemetry/instrumentation.yaml", "resourceRequirements:", "resources:", "'resources'"),
        ("flux/notifications/provider.yaml", "type: generic-hmac", "type: signed", "must be one of"),
        ("flux/notifications/receiver.yaml", "fluxcd.io/v1\n", "fluxcd.io/v1beta3\n", "could not find schema"),
        ("flux/notifications/alerts.yaml", "eventSeverity: info", "eventSeverity: debug", "must be one of"),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named_with_its_file(
    file: str, ours: str, wrong: str, message: str, tmp_path: Path
) -> None:
    tree = broken(tmp_path / "copy", Change(file, ours, wrong))
    (tmp_path / "objects").mkdir()
    built = next(folder for start, folder in OVERLAYS.items() if file.startswith(start))

    _, found = faults({built: tree.applied(tree.root / built, tree.variables("production"))}, tmp_path / "objects")

    told = [said(tree, one) for one in found]
    assert told
    assert all(file in one and message in one for one in told), told


OVERLAYS = {
    **{f"{APPS}/{name}/": f"{APPS}/{name}/production" for name in ("bot", "demo-service")},
    f"{INFRASTRUCTURE}/layers": INFRASTRUCTURE,
    **{f"{INFRASTRUCTURE}/{name}/": f"{INFRASTRUCTURE}/{name}" for name in ("sources", "flagger", "opentelemetry")},
    "flux/notifications/": "flux/notifications",
}
"""Where a file stands -> the overlay that is built of it."""


def test_schemas_are_of_the_versions_that_the_tree_installs() -> None:
    readme = (TREE.flux / "README.md").read_text("utf-8")
    modules = dict(
        re.findall(r"^\s*(?:replace \S+ => )?([\w./-]+) v(\d[\w.-]*)(?: // indirect)?$", GO_MOD, re.MULTILINE)
    )
    (flagger,) = [one for one in TREE.objects_of("production", "OCIRepository") if one["metadata"]["name"] == "flagger"]

    assert modules["github.com/fluxcd/flagger"] == flagger["spec"]["ref"]["tag"]
    # The oldest that this Flux supports: what is valid there is valid in newer ones.
    assert f"Kubernetes 1.{modules['k8s.io/api'].split('.')[1]} to " in readme
    for controller in ("source", "kustomize", "notification"):
        # Flux 2.9 has the releases 1.9 of these.
        minor = modules[f"github.com/fluxcd/{controller}-controller/api"].split(".")[1]
        assert f"Flux 2.{minor}." in readme


@pytest.mark.parametrize("image", ["imagerepository", "imagepolicy", "imageupdateautomation"])
def test_image_automation_is_judged_by_the_version_that_is_served(image: str) -> None:
    assert (folder() / "image.toolkit.fluxcd.io" / "v1" / f"{image}.json").is_file()
    assert not list((folder() / "image.toolkit.fluxcd.io").glob("v1beta*"))


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, False),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"type": "string"}),
        ({"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": True}, None),
        ({"type": "object"}, None),
    ],
)
def test_only_what_a_schema_leaves_open_stays_open(schema: Document, wanted: Document | bool | None) -> None:
    assert strict(schema).get("additionalProperties") == wanted


def builds_of(cluster: str) -> dict[str, list[Document]]:
    """All that Flux applies in a cluster, and what it would with several registries."""
    found = {f"{cluster}\t{one.folder.relative_to(TREE.root)}": list(one.objects) for one in TREE.layers(cluster)}
    if cluster in ALTERNATIVES:
        place = ALTERNATIVES[cluster]
        found[f"{cluster}\t{place.relative_to(TREE.root)}"] = TREE.applied(place, TREE.variables(cluster))
    return found


def said(tree: Tree, fault: Fault) -> str:
    """For people: the files where the object may stand, what is wrong, and the mend."""
    return (
        f"{declared(tree, fault.kind, fault.name)}: {fault.kind} {fault.name} ({fault.build}): {fault.message}. "
        "Mend the field or the apiVersion; tests/flux_schemas.py lists the versions that are served."
    )
