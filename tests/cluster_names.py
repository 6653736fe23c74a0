"""Everything in our clusters that a command may name: what the Flux tree applies, and what programs make of that."""

from collections.abc import Iterator
from functools import cache

from flux_tree import CLUSTERS, layers, objects_of

from bot.sandbox.documents import Document, path

Name = tuple[str, str, str]
"""Kind, namespace (empty for what has none) and name."""

FLUX = "flux-system"
FLUX_INSTALLS = tuple(
    f"{name}-controller"
    for name in ("source", "kustomize", "helm", "notification", "image-reflector", "image-automation")
)
"""The Deployments of `flux install` with the extra components that flux/README.md names (Flux 2.9)."""
MADE_BY_HAND = (("Secret", FLUX, "flux-system"), ("Secret", FLUX, "sops-age"))
"""flux/README.md, "A cluster's start"."""
OF_CHARTS = {
    "opentelemetry-operator": ("opentelemetry-operator",),
    "flagger": ("flagger", "flagger-prometheus"),
    "flagger-loadtester": ("flagger-loadtester",),
}
"""The Deployments, with Services of the same name, that a HelmRelease makes (their charts' templates)."""


@cache
def known() -> frozenset[Name]:
    """Every object of any of the clusters."""
    return frozenset(
        name for cluster in CLUSTERS for layer in layers(cluster) for one in layer.objects for name in _names(one)
    ) | {*_installed(), *MADE_BY_HAND}


@cache
def namespaces() -> frozenset[str]:
    """Every namespace that something of ours is in."""
    return frozenset(namespace for _, namespace, _ in known() if namespace)


@cache
def ports() -> dict[tuple[str, str], set[int]]:
    """The ports of each Service of ours, by namespace and name."""
    services = [one for cluster in CLUSTERS for one in objects_of(cluster, "Service")]
    return {
        (one["metadata"]["namespace"], one["metadata"]["name"]): {port["port"] for port in one["spec"]["ports"]}
        for one in services
    }


@cache
def labels() -> frozenset[tuple[str, str, str]]:
    """Namespace, key and value of each label that pods carry."""
    found = {
        (one["metadata"]["namespace"], key, str(value))
        for cluster in CLUSTERS
        for one in objects_of(cluster, "Deployment")
        for key, value in (path(one, "spec", "template", "metadata", "labels") or {}).items()
    }
    return frozenset(found | {(FLUX, "app", name) for name in FLUX_INSTALLS})


def _names(one: Document) -> Iterator[Name]:
    kind, meta = one["kind"], one["metadata"]
    namespace, name = meta.get("namespace", ""), meta["name"]
    yield kind, namespace, name
    match kind:
        case "OpenTelemetryCollector":
            # The operator adds -collector (infrastructure/opentelemetry/collector.yaml).
            yield from (("Deployment", namespace, f"{name}-collector"), ("Service", namespace, f"{name}-collector"))
        case "HelmRelease":
            for made in OF_CHARTS.get(name, ()):
                yield "Deployment", one["spec"]["targetNamespace"], made
                yield "Service", one["spec"]["targetNamespace"], made
        case "Canary":
            # Flagger 1.41, "How it works": a primary of the target, and three Services.
            target = one["spec"]["targetRef"]["name"]
            yield "Deployment", namespace, f"{target}-primary"
            yield from (("Service", namespace, f"{target}{end}") for end in ("", "-primary", "-canary"))
        case _:
            return


def _installed() -> Iterator[Name]:
    yield "Namespace", "", FLUX
    for name in FLUX_INSTALLS:
        yield "Deployment", FLUX, name
    yield "Service", FLUX, "webhook-receiver"
    yield "Service", FLUX, "notification-controller"
