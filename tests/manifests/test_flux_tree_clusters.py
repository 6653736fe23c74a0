"""The clusters' Kustomizations wait for what exists, and everything they apply is in its place."""

from graphlib import TopologicalSorter

import pytest
from flux_building import CLUSTER_WIDE
from flux_tree import CLUSTERS, FLUX, everything, layer, layers, named, objects_of, variables

every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_cluster
def test_kustomizations_wait_only_for_others_that_exist_and_never_in_a_circle(cluster: str) -> None:
    waits = {one.name: {found["name"] for found in one.spec.get("dependsOn", [])} for one in layers(cluster)}

    order = list(TopologicalSorter(waits).static_order())

    assert set(order) == set(waits)
    assert order.index("opentelemetry-operator") < order.index("opentelemetry")
    assert order.index("secrets") < min(order.index(name) for name in ("notifications", "infrastructure", "sluice"))


@every_cluster
def test_every_kustomization_prunes_in_bounded_time_and_knows_when_it_is_healthy(cluster: str) -> None:
    ours = [one for one in layers(cluster) if one.name != "flux-system"]

    assert all(one.spec["prune"] and one.spec["interval"] and one.spec["timeout"] for one in ours)
    assert all(one.spec["wait"] or one.spec["healthChecks"] for one in ours)


@every_cluster
def test_every_kustomization_reads_the_source_of_its_cluster(cluster: str) -> None:
    assert named(cluster, "GitRepository", "flux-system", "flux-system") is not None
    assert {str(one.spec["sourceRef"]) for one in layers(cluster)} == {
        str({"kind": "GitRepository", "name": "flux-system"})
    }


def test_all_clusters_have_the_same_kustomizations() -> None:
    assert len({tuple(sorted(one.name for one in layers(cluster))) for cluster in CLUSTERS}) == 1


@every_cluster
def test_a_cluster_runs_the_environment_of_its_own_name(cluster: str) -> None:
    assert variables(cluster)["cluster"] == variables(cluster)["environment"] == cluster
    assert {layer(cluster, name).spec["path"] for name in ("demo-service", "node-service", "sluice")} == {
        f"./flux/apps/{folder}/{cluster}" for folder in ("demo-service", "node-service", "bot")
    }


def test_clusters_define_the_same_variables() -> None:
    assert len({frozenset(variables(cluster)) for cluster in CLUSTERS}) == 1


@every_cluster
def test_the_readme_explains_every_variable(cluster: str) -> None:
    readme = (FLUX / "README.md").read_text("utf-8")

    assert [name for name in variables(cluster) if f"`{name}`" not in readme] == []


@every_cluster
def test_every_object_has_a_namespace_that_exists(cluster: str) -> None:
    namespaces = {one["metadata"]["name"] for one in objects_of(cluster, "Namespace")} | {"flux-system"}
    found = [one["metadata"] for one in everything(cluster) if one["kind"] not in CLUSTER_WIDE]

    assert [one for one in found if one.get("namespace") not in namespaces] == []


@every_cluster
def test_no_object_is_applied_by_two_kustomizations(cluster: str) -> None:
    applied = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in everything(cluster)]

    assert len(applied) == len(set(applied))


@every_cluster
def test_health_checks_name_what_the_folder_or_its_operator_makes(cluster: str) -> None:
    (check,) = layer(cluster, "opentelemetry").spec["healthChecks"]
    (collector,) = objects_of(cluster, "OpenTelemetryCollector")

    # The operator names the Deployment so: internal/naming, version 0.156.
    made = {"name": f"{collector['metadata']['name']}-collector", "namespace": collector["metadata"]["namespace"]}
    assert {"name": check["name"], "namespace": check["namespace"]} == made
