"""What must hold of everything a cluster gets; each check gives findings that name the file and the mend.

A check takes a tree and a cluster, so that it can be shown on a broken copy of the tree that it can fail.
"""

import re
from collections.abc import Callable, Iterator

from flux_building import containers
from flux_tree import CLUSTERS, VARIABLE, Tree

from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.documents import Document, path

Check = Callable[[Tree, str], list[str]]
OURS = {
    "demo-service": "registry.example.com/demo/demo-service",
    "node-service": "registry.example.com/demo/node-service",
    "sluice": "registry.example.com/demo/sluice",
}
EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?|\d+\.\d+b\d+")
"""A version that names one build: `1.2.3`, `1.2.3-staging`, and Python's `0.66b0`."""
SELECTORS = {
    "Service": ("spec", "selector"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
    "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
    "Deployment": ("spec", "selector", "matchLabels"),
}
MADE_BY_HAND = {("Secret", "flux-system", "flux-system"), ("Secret", "flux-system", "sops-age")}
"""flux/README.md, "A cluster's start"."""
MADE_BY_FLUX = {("Service", "flux-system", "webhook-receiver")}
CONTROLLED = {"HelmChart": "HelmRelease"}
"""Flux makes a HelmChart for each HelmRelease whose chart comes from a HelmRepository."""


def is_pinned(image: str) -> bool:
    """Whether the reference can only ever mean one image."""
    _, tag, digest = split_image(image)
    return bool(digest) or EXACT.fullmatch(tag) is not None


def unpinned_images(tree: Tree, cluster: str) -> list[str]:
    """Images that may be another one tomorrow."""
    found = [image for image in images(tree, cluster) if not is_pinned(image)]
    return [
        f"{where(tree, image, f'newTag: {split_image(image)[1]}')}: {image} in {cluster} may be another image "
        "tomorrow. Write the exact version as its tag, or its digest."
        for image in found
    ]


def unpinned_charts(tree: Tree, cluster: str) -> list[str]:
    """Charts and artifacts without an exact version."""
    wanted = [
        (one, path(one, "spec", "chart", "spec", "version"))
        for one in tree.objects_of(cluster, "HelmRelease")
        if "chart" in one["spec"]
    ] + [(one, path(one, "spec", "ref", "tag")) for one in tree.objects_of(cluster, "OCIRepository")]
    return [
        f"{where(tree, one['metadata']['name'])}: {title(one)} in {cluster} takes {version or 'whatever is newest'}. "
        "Write an exact version."
        for one, version in wanted
        if EXACT.fullmatch(str(version)) is None
    ]


def foreign_images(tree: Tree, cluster: str) -> list[str]:
    """Images of ours that are not the application's own."""
    found = []
    for application, image in OURS.items():
        deployment = tree.named(cluster, "Deployment", application, application)
        names = {split_image(one["image"])[0] for one in containers(deployment or {})}
        if names != {image}:
            found.append(
                f"{where(tree, f'name: {application}')}: {application} in {cluster} runs {sorted(names)}. "
                f"Write newName: {image} in its image folder, and the same name in Deployment and image."
            )
    return found


def selectors_without_pods(tree: Tree, cluster: str) -> list[str]:
    """Selectors that no pod template of their namespace matches."""
    return [
        f"{where(tree, *wanted.values())}: {title(one)} in {cluster} selects {wanted}, and no pod there has these "
        "labels. Mend the selector or the labels of the pod template."
        for kind, keys in SELECTORS.items()
        for one in tree.objects_of(cluster, kind)
        if (wanted := path(one, *keys) or {}) is not None
        and not any(wanted.items() <= labels.items() for labels in pods_in(tree, cluster, namespace_of(one)))
    ]


def dangling_references(tree: Tree, cluster: str) -> list[str]:
    """Names of objects that nothing applies."""
    known = {
        (one["kind"], namespace_of(one), one["metadata"]["name"]) for one in tree.everything(cluster)
    } | {*MADE_BY_HAND, *MADE_BY_FLUX}  # fmt: skip
    return [
        f"{where(tree, f'name: {name}', name)}: {title(one)} in {cluster} names the {kind} {namespace}/{name}, which "
        "nothing applies. Mend the name, or add the object to a kustomization.yaml."
        for one in tree.everything(cluster)
        for kind, namespace, name in references(one)
        if (kind, namespace, name) not in known
    ]


def silent_sources(tree: Tree, cluster: str) -> list[str]:
    """Sources of Alerts and resources of Receivers that match nothing."""
    found = []
    for one in tree.objects_of(cluster, "Alert", "Receiver"):
        files = where(tree, f"kind: {one['kind']}")
        for source in one["spec"].get("eventSources", []) + one["spec"].get("resources", []):
            kind, name = source["kind"], source["name"]
            there = {
                each["metadata"]["name"]
                for each in tree.objects_of(cluster, CONTROLLED.get(kind, kind))
                if namespace_of(each) == source.get("namespace", namespace_of(one))
            }
            if not there or name not in ("*", *there):
                found.append(
                    f"{files}: {title(one)} in {cluster} waits for {kind} {name}, and "
                    "there is none in its namespace. Mend kind or name, or take it out."
                )
    return found


def unused_variables(tree: Tree, cluster: str) -> list[str]:
    """What cluster-config or cluster-secrets define, and no cluster uses: all define the same."""
    used = {
        name
        for each in CLUSTERS
        for one in tree.layers(each)
        for found in one.written
        for name in VARIABLE.findall(str(found))
    }
    return [
        f"{where(tree, f'{name}:')}: {name} of {cluster} is used nowhere. Take it out, or use it as ${{{name}}}."
        for name in sorted(set(tree.variables(cluster)) - used)
    ]


def monitors_without_service(tree: Tree, cluster: str) -> list[str]:
    """ServiceMonitors that find no Service, or no port of its."""
    found = []
    for one in tree.objects_of(cluster, "ServiceMonitor"):
        wanted = one["spec"]["selector"]["matchLabels"]
        ports = {
            port["name"]
            for service in tree.objects_of(cluster, "Service")
            if namespace_of(service) == namespace_of(one)
            and wanted.items() <= service["metadata"].get("labels", {}).items()
            for port in service["spec"]["ports"]
        }
        if not {endpoint["port"] for endpoint in one["spec"]["endpoints"]} <= ports:
            found.append(
                f"{where(tree, 'kind: ServiceMonitor')}: {title(one)} in {cluster} looks for Services with {wanted} "
                "and their ports, and finds none. Mend its selector, or the labels and port names of the Service."
            )
    return found


def references(one: Document) -> Iterator[tuple[str, str, str]]:
    """Kind, namespace and name of everything that an object names."""
    spec, here = one.get("spec") or {}, namespace_of(one)
    match one["kind"]:
        case "Deployment":
            yield from ((kind, here, name) for kind, name in of_pod(one["spec"]["template"]["spec"]))
        case "OpenTelemetryCollector":
            yield "ServiceAccount", here, spec["serviceAccount"]
        case "HorizontalPodAutoscaler":
            yield spec["scaleTargetRef"]["kind"], here, spec["scaleTargetRef"]["name"]
        case "Canary":
            yield from ((spec[key]["kind"], here, spec[key]["name"]) for key in ("targetRef", "autoscalerRef"))
            yield from (("MetricTemplate", here, each["templateRef"]["name"]) for each in spec["analysis"]["metrics"])
        case "Ingress":
            for rule in spec["rules"]:
                yield from (("Service", here, each["backend"]["service"]["name"]) for each in rule["http"]["paths"])
        case "RoleBinding" | "ClusterRoleBinding":
            yield one["roleRef"]["kind"], "", one["roleRef"]["name"]
            yield from ((each["kind"], each["namespace"], each["name"]) for each in one["subjects"])
        case _:
            yield from of_flux(one, spec, here)


def of_flux(one: Document, spec: Document, here: str) -> Iterator[tuple[str, str, str]]:
    """What Flux's own objects name."""
    chart = path(spec, "chart", "spec") or {}
    for reference in (spec.get("sourceRef"), spec.get("chartRef"), chart.get("sourceRef")):
        if reference:
            yield reference["kind"], reference.get("namespace", here), reference["name"]
    for reference in (spec.get("secretRef"), path(spec, "decryption", "secretRef")):
        if reference:
            yield "Secret", here, reference["name"]
    for reference in path(spec, "postBuild", "substituteFrom") or []:
        yield reference["kind"], here, reference["name"]
    for key, kind in (("imageRepositoryRef", "ImageRepository"), ("providerRef", "Provider")):
        if key in spec:
            yield kind, here, spec[key]["name"]
    if one["kind"] == "Kustomization":
        yield from (("Kustomization", here, each["name"]) for each in spec.get("dependsOn", []))


def of_pod(pod: Document) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that a pod names."""
    yield "ServiceAccount", pod["serviceAccountName"]
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        for source in container.get("envFrom", []):
            yield from ((KINDS[key], source[key]["name"]) for key in source if key in KINDS)
        for variable in container.get("env", []):
            found = variable.get("valueFrom", {})
            yield from ((KINDS[key], found[key]["name"]) for key in found if key in KINDS)
    for volume in pod.get("volumes", []):
        yield from ((kind, volume[key][name]) for key, (kind, name) in VOLUMES.items() if volume.get(key))


KINDS = {
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
}
VOLUMES = {
    "configMap": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}


def images(tree: Tree, cluster: str) -> list[str]:
    """Every image that the objects of a cluster name, those in charts' values and those that are injected too."""
    found = [each["image"] for one in tree.everything(cluster) for each in containers(one)]
    found += [one["spec"]["image"] for one in tree.objects_of(cluster, "OpenTelemetryCollector")]
    found += [
        each["image"]
        for one in tree.objects_of(cluster, "Instrumentation")
        for each in one["spec"].values()
        if isinstance(each, dict) and "image" in each
    ]
    return found + [
        f"{each['repository']}:{each.get('tag', '')}".rstrip(":")
        for one in tree.objects_of(cluster, "HelmRelease")
        for each in _images_of_values(one["spec"].get("values", {}))
    ]


def _images_of_values(values: Document) -> Iterator[Document]:
    for value in values.values():
        if isinstance(value, dict):
            if isinstance(value.get("repository"), str):
                yield value
            yield from _images_of_values(value)


def pods_in(tree: Tree, cluster: str, namespace: str) -> list[dict[str, str]]:
    """Labels of the pods of a namespace; the operator gives a Collector's pods these (version 0.156)."""
    found = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in tree.objects_of(cluster, "Deployment")
        if namespace_of(one) == namespace
    ]
    return found + [
        {"app.kubernetes.io/name": f"{one['metadata']['name']}-collector"}
        for one in tree.objects_of(cluster, "OpenTelemetryCollector")
        if namespace_of(one) == namespace
    ]


def namespace_of(one: Document) -> str:
    """The object's namespace; empty for what has none."""
    return str(one["metadata"].get("namespace", ""))


def title(one: Document) -> str:
    """Kind and name, for people."""
    return f"{one['kind']} {namespace_of(one)}/{one['metadata']['name']}"


def where(tree: Tree, *texts: str) -> str:
    """The files that hold one of the texts: where a person looks first."""
    found = {file for text in texts for file in tree.files_with(text)}
    return ", ".join(sorted(found)) or "flux"


def declared(tree: Tree, kind: str, name: str) -> str:
    """The files where an object of this kind and name stands, or a patch for all of the kind."""
    head = re.compile(rf"^kind: {kind}$.*?^  name: ({re.escape(name)}|any)$", re.MULTILINE | re.DOTALL)
    found = [
        file.relative_to(tree.root).as_posix()
        for file in tree.yaml_files()
        if any(head.search(part) for part in file.read_text("utf-8").split("\n---\n"))
    ]
    return ", ".join(found) or "flux"


CHECKS: tuple[Check, ...] = (
    unpinned_images,
    unpinned_charts,
    foreign_images,
    selectors_without_pods,
    dangling_references,
    silent_sources,
    monitors_without_service,
    unused_variables,
)
