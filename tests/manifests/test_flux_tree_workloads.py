"""What runs is pinned, selected by its own labels, allowed little and reachable by those who must reach it."""

import pytest
from flux_building import containers
from flux_checks import CHECKS, OURS, Check, images, is_pinned
from flux_tree import CLUSTERS, TREE, layer, named, objects_of

from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.documents import Document

every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_cluster
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_found_in_a_cluster(cluster: str, check: Check) -> None:
    assert check(TREE, cluster) == []


@every_cluster
def test_images_that_charts_and_the_operator_bring_are_looked_at_too(cluster: str) -> None:
    found = " ".join(images(TREE, cluster))

    for name in ("jaeger", "opentelemetry-collector-contrib", "autoinstrumentation-python", *OURS.values()):
        assert name in found


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("jaeger", False),
        ("jaeger:latest", False),
        ("registry:5000/jaeger", False),
        ("jaeger:2", False),
        ("jaeger:2.13", False),
        ("jaeger:stable", False),
        ("jaeger:2.13.0", True),
        ("jaeger:v2.13.0-rc.1", True),
        ("python:0.66b0", True),
        (f"jaeger:latest@sha256:{'0' * 64}", True),
    ],
)
def test_only_a_whole_version_or_a_digest_pins_an_image(image: str, pinned: bool) -> None:
    assert is_pinned(image) is pinned


@every_cluster
@pytest.mark.parametrize("application", OURS)
def test_names_agree_from_kustomization_to_image(cluster: str, application: str) -> None:
    deployment = deployment_of(cluster, application)
    (container,) = containers(deployment)

    name, tag, _ = split_image(container["image"])

    assert name == OURS[application]
    assert tag
    assert container["name"] == application
    assert layer(cluster, application).name == application
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == application


@every_cluster
def test_ports_are_those_that_containers_open(cluster: str) -> None:
    for service in objects_of(cluster, "Service"):
        deployments = deployments_in(cluster, service["metadata"]["namespace"])
        opened = {port["name"] for one in deployments for found in containers(one) for port in found["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= opened


@every_cluster
def test_every_container_is_hardened(cluster: str) -> None:
    for deployment in objects_of(cluster, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(deployment):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


@every_cluster
def test_every_container_has_probes_resources_and_a_place_for_temporary_files(cluster: str) -> None:
    for deployment in objects_of(cluster, "Deployment"):
        for container in containers(deployment):
            assert {"livenessProbe", "readinessProbe"} <= set(container)
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert container["resources"]["limits"]["memory"]
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


@every_cluster
def test_every_namespace_with_pods_of_ours_is_restricted_and_closed_by_default(cluster: str) -> None:
    for namespace in {one["metadata"]["namespace"] for one in objects_of(cluster, "Deployment")}:
        found = named(cluster, "Namespace", "", namespace)
        denied = named(cluster, "NetworkPolicy", namespace, "default-deny")
        assert found is not None
        assert denied is not None
        assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        assert denied["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@every_cluster
def test_only_sluice_may_speak_to_the_api_server(cluster: str) -> None:
    silent = {
        one["metadata"]["name"]
        for one in objects_of(cluster, "Deployment")
        if one["spec"]["template"]["spec"].get("automountServiceAccountToken") is False
    }

    assert silent == {one["metadata"]["name"] for one in objects_of(cluster, "Deployment")} - {"sluice"}


@every_cluster
def test_network_policies_let_the_system_do_its_work(cluster: str) -> None:
    assert allows(cluster, source="node-service", target="demo-service", port=8080)
    assert allows(cluster, source="flagger-system", target="demo-service", port=8080)
    assert allows(cluster, source="flagger-system", target="node-service", port=3000)
    assert allows(cluster, source="opentelemetry", target="jaeger", port=4317)
    assert allows(cluster, source="flagger-system", target="opentelemetry", port=8889)
    for source in ("demo-service", "node-service", "sluice"):
        assert allows(cluster, source=source, target="opentelemetry", port=4318)
        assert named(cluster, "NetworkPolicy", source, "allow-telemetry") is not None
    for source in ("flux-system", "flagger-system", "ingress-nginx"):
        assert allows(cluster, source=source, target="sluice", port=8080)


@every_cluster
def test_network_policies_let_nobody_else_in(cluster: str) -> None:
    assert not allows(cluster, source="sluice", target="demo-service", port=8080)
    assert not allows(cluster, source="demo-service", target="node-service", port=3000)
    assert not allows(cluster, source="node-service", target="sluice", port=8080)
    assert not allows(cluster, source="demo-service", target="jaeger", port=4317)


@every_cluster
def test_who_scales_is_the_only_one_that_says_how_many(cluster: str) -> None:
    scaled = objects_of(cluster, "HorizontalPodAutoscaler", "Canary")

    assert scaled
    for one in scaled:
        reference = one["spec"].get("scaleTargetRef") or one["spec"]["targetRef"]
        target = named(cluster, "Deployment", one["metadata"]["namespace"], reference["name"])
        assert target is not None
        assert "replicas" not in target["spec"]


@every_cluster
def test_services_say_the_version_that_runs(cluster: str) -> None:
    for name in ("demo-service", "node-service"):
        config = named(cluster, "ConfigMap", name, name)
        (container,) = containers(deployment_of(cluster, name))
        assert config is not None
        assert config["data"]["APP_VERSION"] == split_image(container["image"])[1]
        assert config["data"]["ENVIRONMENT"] == cluster


@every_cluster
def test_flags_are_mounted_as_a_folder_so_that_a_change_is_seen(cluster: str) -> None:
    (container,) = containers(deployment_of(cluster, "demo-service"))
    config = named(cluster, "ConfigMap", "demo-service", "demo-service")
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == "feature-flags"]

    assert config is not None
    assert "subPath" not in mount
    assert config["data"]["FEATURE_FLAGS_PATH"] == f"{mount['mountPath']}/flags.json"


@every_cluster
def test_pods_are_instrumented_by_the_instrumentation_that_exists(cluster: str) -> None:
    languages = {"demo-service": "java", "node-service": "nodejs", "sluice": "python"}
    for name, language in languages.items():
        annotations = deployment_of(cluster, name)["spec"]["template"]["metadata"]["annotations"]
        namespace, _, wanted = annotations[f"instrumentation.opentelemetry.io/inject-{language}"].partition("/")
        found = named(cluster, "Instrumentation", namespace, wanted)
        assert found is not None
        assert language in found["spec"]
        assert annotations["instrumentation.opentelemetry.io/container-names"] == name


def deployment_of(cluster: str, application: str) -> Document:
    found = named(cluster, "Deployment", application, application)
    assert found is not None
    return found


def deployments_in(cluster: str, namespace: str) -> list[Document]:
    return [one for one in objects_of(cluster, "Deployment") if one["metadata"]["namespace"] == namespace]


def selects(wanted: dict[str, str], labels: dict[str, str]) -> bool:
    return wanted.items() <= labels.items()


def allows(cluster: str, *, source: str, target: str, port: int) -> bool:
    """Whether some policy of the target's namespace lets pods of the source's in on a port."""
    labels = {"kubernetes.io/metadata.name": source}
    return any(
        is_meant(peer.get("namespaceSelector"), labels) and port in {found["port"] for found in rule["ports"]}
        for policy in objects_of(cluster, "NetworkPolicy")
        if policy["metadata"]["namespace"] == target
        for rule in policy["spec"].get("ingress", [])
        for peer in rule["from"]
    )


def is_meant(selector: Document | None, labels: dict[str, str]) -> bool:
    if selector is None:
        return False
    expressions = selector.get("matchExpressions", [])
    return selects(selector.get("matchLabels", {}), labels) and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )
