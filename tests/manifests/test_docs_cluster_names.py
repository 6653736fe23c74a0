"""Every object and namespace that the pages' kubectl and flux commands name is in one of our clusters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster_names import FLUX, known, labels, namespaces, ports
from doc_pages import Command, commands, is_placeholder, name_of, pages

KINDS = {
    kind.lower(): kind
    for kind in (
        "Canary", "ConfigMap", "Deployment", "GitRepository", "HelmRelease", "HelmRepository",
        "HorizontalPodAutoscaler", "ImagePolicy", "ImageRepository", "ImageUpdateAutomation", "Ingress",
        "Instrumentation", "Kustomization", "MetricTemplate", "Namespace", "NetworkPolicy", "OCIRepository",
        "OpenTelemetryCollector", "PersistentVolumeClaim", "Pod", "Provider", "Receiver", "Secret", "Service",
        "ServiceAccount", "Alert", "Event", "Node", "Cluster",
    )
} | {"deploy": "Deployment", "svc": "Service", "ns": "Namespace", "po": "Pod"}  # fmt: skip
UNNAMED = frozenset({"Pod", "Event", "Node"})
"""Made by the cluster itself, under names that nobody knows before."""
WITH_VALUE = frozenset({
    "-n", "--namespace", "-l", "--selector", "-o", "--output", "-c", "--container", "--context", "-f", "-k", "--tail",
    "--for", "--timeout", "--since", "--sort-by", "-p", "--patch", "--type", "--field-selector", "--from-file",
})  # fmt: skip
VERBS = {
    "get", "describe", "logs", "exec", "port-forward", "delete", "annotate", "wait", "patch", "rollout", "scale",
    "edit", "create",
}  # fmt: skip
FLUX_KINDS = {
    ("kustomization",): "Kustomization", ("kustomizations",): "Kustomization", ("ks",): "Kustomization",
    ("helmrelease",): "HelmRelease", ("helmreleases",): "HelmRelease", ("hr",): "HelmRelease",
    ("source", "git"): "GitRepository", ("sources", "git"): "GitRepository",
    ("source", "helm"): "HelmRepository", ("sources", "helm"): "HelmRepository",
    ("source", "oci"): "OCIRepository", ("sources", "oci"): "OCIRepository",
    ("image", "repository"): "ImageRepository", ("images", "repository"): "ImageRepository",
    ("image", "policy"): "ImagePolicy", ("images", "policy"): "ImagePolicy",
    ("image", "update"): "ImageUpdateAutomation", ("images", "update"): "ImageUpdateAutomation",
    ("receiver",): "Receiver", ("receivers",): "Receiver", ("alert-provider",): "Provider", ("alert",): "Alert",
    ("secret", "git"): "Secret",
}  # fmt: skip
FLUX_VERBS = {"get", "reconcile", "suspend", "resume", "create", "export", "trace", "tree"}
FREE = frozenset({"install", "check", "logs", "events", "stats", "version", "uninstall", "bootstrap", "apply"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command names. namespace: None where it says none."""

    namespace: str | None
    selector: str
    words: tuple[str, ...]


def said(command: Command) -> Said:
    """The command's words without options, and what its options say of namespace and labels."""
    values: dict[str, str] = {}
    words: list[str] = []
    rest = list(command.words[1:])
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        option, equals, value = word.partition("=")
        if not word.startswith("-"):
            words.append(word)
        elif equals:
            values[option] = value
        elif option in WITH_VALUE and rest:
            values[option] = rest.pop(0)
    namespace = values.get("-n", values.get("--namespace"))
    return Said(namespace=namespace, selector=values.get("-l", values.get("--selector", "")), words=tuple(words))


def faults(command: Command) -> Iterator[str]:
    """What a command names that is nowhere in the tree."""
    it = said(command)
    if it.namespace is not None and not is_placeholder(it.namespace) and it.namespace not in namespaces():
        yield f"there is no namespace {it.namespace}"
        return
    yield from (_of_flux if command.words[0] == "flux" else _of_kubectl)(it)
    yield from _of_selector(it)


def _of_kubectl(it: Said) -> Iterator[str]:
    verb, words = (it.words[0] if it.words else ""), list(it.words[1:])
    if verb not in VERBS:
        if verb not in ("apply", "config", "kustomize", "cluster-info", "debug", "top", "version", "auth"):
            yield f"this test does not know kubectl {verb}: teach it"
        return
    if verb in ("rollout", "create") and words:
        words.pop(0)
    if verb == "create":
        words = []
    yield from _objects(it.namespace, verb, words)


def _objects(namespace: str | None, verb: str, words: list[str]) -> Iterator[str]:
    slashed = [word.partition("/") for word in words if "/" in word]
    for kind, _, name in slashed:
        yield from _kind(namespace, kind, [name])
        if verb == "port-forward":
            yield from _ports(namespace, kind, name, [word for word in words if "/" not in word])
    if slashed or not words or verb in ("logs", "exec", "port-forward"):
        return
    for kind in words[0].split(","):
        yield from _kind(namespace, kind, [name for name in words[1:] if "=" not in name])


def _ports(namespace: str | None, kind: str, name: str, words: list[str]) -> Iterator[str]:
    """Ports that are forwarded to (`local:remote`, or one for both) and that the Service does not have."""
    has = ports().get((namespace or "", name))
    for word in words:
        if kind_of(kind) == "Service" and has is not None and int(word.rpartition(":")[2]) not in has:
            yield f"the Service {name} has no port {word}, but {sorted(has)}"


def _kind(namespace: str | None, word: str, names: list[str]) -> Iterator[str]:
    kind = kind_of(word)
    if kind is None:
        yield f"this test does not know the kind {word}: teach it, or mend the word"
        return
    if kind in UNNAMED:
        return
    for name in names:
        if not is_placeholder(name) and not exists(kind, namespace, name):
            yield f"there is no {kind} {name} in {namespace or 'any namespace'}"


def kind_of(word: str) -> str | None:
    """The kind that kubectl means by a word: singular, plural, short or with its group."""
    bare = word.partition(".")[0].lower()
    return KINDS.get(bare) or KINDS.get(bare.removesuffix("s")) or KINDS.get(bare.removesuffix("ies") + "y")


def exists(kind: str, namespace: str | None, name: str) -> bool:
    """Whether one of the clusters has the object."""
    return any(
        (kind, name) == (known_kind, known_name)
        and (namespace is None or is_placeholder(namespace) or known_namespace in (namespace, ""))
        for known_kind, known_namespace, known_name in known()
    )


def _of_flux(it: Said) -> Iterator[str]:
    words = list(it.words)
    if not words or words[0] in FREE:
        return
    if words.pop(0) not in FLUX_VERBS:
        yield f"this test does not know flux {it.words[0]}: teach it"
        return
    for length in (2, 1):
        if kind := FLUX_KINDS.get(tuple(words[:length])):
            yield from _kind(it.namespace or FLUX, kind, words[length:])
            return
    if words and words[0] not in ("all", "sources", "images"):
        yield f"this test does not know what flux calls {' '.join(words)}: teach it"


def _of_selector(it: Said) -> Iterator[str]:
    if it.namespace is None or is_placeholder(it.namespace):
        return
    for pair in filter(None, it.selector.split(",")):
        key, _, value = pair.partition("=")
        if (it.namespace, key, value) not in labels():
            yield f"no pod in {it.namespace} has the label {pair}"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_object_in_a_command_is_in_a_cluster(page: Path) -> None:
    wrong = [f"{one.place}: {fault}" for one in commands(page, "kubectl", "flux") for fault in faults(one)]

    assert wrong == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("kubectl logs -n opentelemetry deployment/opentelemetry-collector --tail=20", ""),
        ("kubectl logs -n opentelemetry daemonset/opentelemetry-collector", "this test does not know the kind"),
        ("kubectl get pods -n demo-service -l app.kubernetes.io/name=demo-service", ""),
        ("kubectl get pods -n demo-service -l app=demo-service", "no pod in demo-service has the label"),
        ("kubectl describe canary demo-service -n demo-service", ""),
        ("kubectl -n node-service get deployment demo-service", "there is no Deployment demo-service"),
        ("kubectl get pods -n monitoring", "there is no namespace monitoring"),
        ("kubectl port-forward -n jaeger service/jaeger-query 8086:16686", ""),
        ("kubectl port-forward -n jaeger service/jaeger-query 16686:8086", "the Service jaeger-query has no port"),
        ("kubectl wait kustomization/secrets kustomization/all -n flux-system", "there is no Kustomization all"),
        ("flux reconcile kustomization demo-service --with-source", ""),
        ("flux reconcile image update apps", "there is no ImageUpdateAutomation apps"),
    ],
)
def test_a_name_that_is_nowhere_is_seen(line: str, fault: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\n{line}\n```\n")

    found = [fault for one in commands(page, "kubectl", "flux") for fault in faults(one)]

    assert [text.startswith(fault) for text in found] == ([True] if fault else [])
