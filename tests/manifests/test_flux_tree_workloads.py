"""What runs is pinned, selected by its own labels, allowed little and reachable by those who must reach it."""

import pytest
from flux_building import containers, pod_of
from flux_checks import CHECKS, OURS, Check, images, is_pinned
from flux_tree import CLUSTERS, TREE, everything, layer, named, objects_of

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
    for workload in workloads(cluster):
        pod = pod_of(workload)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(workload):
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
    speaking = [
        one["metadata"]["name"]
        for one in workloads(cluster)
        if pod_of(one).get("automountServiceAccountToken") is not False
    ]

    assert speaking == ["sluice"]


@every_cluster
def test_network_policies_let_the_system_do_its_work(cluster: str) -> None:
    ways = [
        ("node-service", "demo-service", 8080),
        ("node-service", "node-service", 3000),
        ("flagger-system", "demo-service", 8080),
        ("flagger-system", "node-service", 3000),
        ("opentelemetry", "jaeger", 4317),
        ("flagger-system", "opentelemetry", 8889),
        *((source, "opentelemetry", 4318) for source in ("demo-service", "node-service", "sluice")),
        *((source, "sluice", 8080) for source in ("flux-system", "flagger-system", "ingress-nginx", "monitoring")),
    ]

    assert [way for way in ways if not lets_in(cluster, *way)] == []
    assert [way for way in ways if not lets_out(cluster, *way)] == []


@every_cluster
def test_network_policies_let_nobody_else_in(cluster: str) -> None:
    ways = [
        ("sluice", "demo-service", 8080),
        ("demo-service", "node-service", 3000),
        ("node-service", "sluice", 8080),
        ("demo-service", "jaeger", 4317),
    ]

    assert [way for way in ways if lets_in(cluster, *way)] == []


@every_cluster
@pytest.mark.parametrize("namespace", ["sluice", "opentelemetry"])
def test_who_asks_an_api_server_reaches_it_on_the_port_it_listens_on(cluster: str, namespace: str) -> None:
    anywhere = [rule for rule in rules_of(cluster, namespace, "egress") if "to" not in rule]
    ports = {port["port"] for rule in anywhere for port in rule["ports"]}

    # What asks for the Service on 443 is judged behind it, where kubeadm's servers listen on 6443, Minikube's on 8443.
    assert {443, 6443, 8443} <= ports


@every_cluster
def test_every_closed_namespace_may_ask_for_names(cluster: str) -> None:
    closed = {one["metadata"]["namespace"] for one in objects_of(cluster, "NetworkPolicy")}

    assert closed == {"demo-service", "node-service", "sluice", "jaeger", "opentelemetry"}
    assert [name for name in closed if not lets_out(cluster, name, "kube-system", 53)] == []


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


def workloads(cluster: str) -> list[Document]:
    return [one for one in everything(cluster) if containers(one)]


def rules_of(cluster: str, namespace: str, direction: str) -> list[Document]:
    return [
        rule
        for policy in objects_of(cluster, "NetworkPolicy")
        if policy["metadata"]["namespace"] == namespace
        for rule in policy["spec"].get(direction, [])
    ]


def lets_in(cluster: str, source: str, target: str, port: int) -> bool:
    """Whether some policy of the target's namespace lets pods of the source's in on a port."""
    return any(
        is_peer(peer, of=target, namespace=source) and port in {found["port"] for found in rule["ports"]}
        for rule in rules_of(cluster, target, "ingress")
        for peer in rule["from"]
    )


def lets_out(cluster: str, source: str, target: str, port: int) -> bool:
    """Whether pods of the source's namespace, closed or not, may call a port of the target's."""
    rules = rules_of(cluster, source, "egress")
    closed = named(cluster, "NetworkPolicy", source, "default-deny") is not None
    return not closed or any(
        is_peer(peer, of=source, namespace=target) and port in {found["port"] for found in rule["ports"]}
        for rule in rules
        for peer in rule.get("to", [])
    )


def is_peer(peer: Document, *, of: str, namespace: str) -> bool:
    """Whether a peer in a policy `of` one namespace means pods of another; without a selector, of its own."""
    if "namespaceSelector" not in peer:
        return of == namespace
    return is_meant(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})


def is_meant(selector: Document, labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", [])
    return selects(selector.get("matchLabels", {}), labels) and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )
