"""Stands in for the OpenTelemetry operator's admission webhook, which cannot be had here: what it sets in a container.

It follows the annotations of a pod template and an Instrumentation to the environment that the operator (0.156) gives
the container; the page of the contract: https://opentelemetry.io/docs/platforms/kubernetes/operator/automatic/. It
mounts no volume and mutates no pod: `on_this_machine` says where the mounted files stand here. What it knows: the
languages java, nodejs and python; the values "true", "false", name and namespace/name; container-names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.documents import Document, path

Language = Literal["java", "nodejs", "python"]
LANGUAGES: tuple[Language, ...] = ("java", "nodejs", "python")
PREFIX = "instrumentation.opentelemetry.io"
OF_RESOURCE = "resource.opentelemetry.io/"
MOUNTED_NODE = "/otel-auto-instrumentation-nodejs/autoinstrumentation.js"
MOUNTED_PYTHON = "/otel-auto-instrumentation-python"


class CannotInject(Exception):
    """The operator would leave this pod as it is and say so in its own log; the message says what to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What the API server and the scheduler would have decided."""

    replica_set: str
    suffix: str
    node: str = "node-1"
    address: str = "127.0.0.1"

    @property
    def application(self) -> str:
        """The Deployment whose ReplicaSet it is of."""
        return self.replica_set.rpartition("-")[0]

    @property
    def name(self) -> str:
        """As a ReplicaSet names its pods."""
        return f"{self.replica_set}-{self.suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What one container gets. environment: in the cluster, paths of the mounted volume included."""

    language: Language
    container: str
    image: str
    environment: Mapping[str, str]

    @property
    def version(self) -> str:
        """Of the instrumentation that the image holds: the operator's images are tagged with it."""
        return self.image.rpartition(":")[2]


def injections(deployment: Document, instrumentations: list[Document], pod: Pod) -> list[Injection]:
    """One for each container that the template's annotations name; none where no annotation asks for it."""
    template = deployment["spec"]["template"]
    found: list[Injection] = []
    for language in LANGUAGES:
        asked = _annotations(template).get(f"{PREFIX}/inject-{language}", "false")
        if asked.lower() == "false":
            continue
        instrumentation = _instrumentation(asked, deployment["metadata"]["namespace"], instrumentations)
        for container in _containers(template, language):
            found.append(_injection(language, deployment, container, instrumentation["spec"], pod))
    return found


def on_this_machine(environment: Mapping[str, str], *, mounted: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """The same environment with the Collector at this endpoint. mounted: a path in the cluster -> the path here."""
    here = {**environment, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    for there, local in mounted.items():
        here = {name: value.replace(there, local) for name, value in here.items()}
    return here


def mounted_java(container: str) -> str:
    """Where the operator mounts the Java agent for a container."""
    return f"/otel-auto-instrumentation-java-{container}/javaagent.jar"


def _annotations(template: Document) -> Mapping[str, str]:
    return path(template, "metadata", "annotations") or {}


def _instrumentation(asked: str, namespace: str, known: list[Document]) -> Document:
    here = [one for one in known if one["metadata"]["namespace"] == namespace]
    if asked.lower() == "true":
        if len(here) != 1:
            raise CannotInject(f"{len(here)} Instrumentations stand in {namespace}: name one, as namespace/name.")
        return here[0]
    wanted_namespace, _, wanted = asked.rpartition("/")
    place = wanted_namespace or namespace
    for one in known:
        if (one["metadata"]["namespace"], one["metadata"]["name"]) == (place, wanted):
            return one
    raise CannotInject(f"there is no Instrumentation {place}/{wanted}. Mend the annotation of the pod template.")


def _containers(template: Document, language: Language) -> list[Document]:
    annotations = _annotations(template)
    names = annotations.get(f"{PREFIX}/{language}-container-names") or annotations.get(f"{PREFIX}/container-names")
    containers: list[Document] = template["spec"]["containers"]
    if not names:
        return containers[:1]
    unknown = sorted(set(names.split(",")) - {one["name"] for one in containers})
    if unknown:
        raise CannotInject(f"there is no container {unknown}. Mend {PREFIX}/container-names of the pod template.")
    return [one for one in containers if one["name"] in names.split(",")]


def _injection(language: Language, deployment: Document, container: Document, spec: Document, pod: Pod) -> Injection:
    own = {one["name"]: one["value"] for one in container.get("env") or [] if "value" in one}
    set_by_language = {one["name"]: one["value"] for one in path(spec, language, "env") or []}
    set_for_all = {one["name"]: one["value"] for one in spec.get("env") or []}
    # What stands in the container wins, then the language's part, then the rest.
    environment = {
        **_common(deployment, container, spec, pod),
        **set_for_all,
        **set_by_language,
        **own,
    }
    environment |= _loading(language, container["name"], environment)
    return Injection(
        language=language,
        container=container["name"],
        image=spec[language]["image"],
        environment={name: value for name, value in environment.items() if name not in own or value != own[name]},
    )


def _common(deployment: Document, container: Document, spec: Document, pod: Pod) -> dict[str, str]:
    found = {
        "OTEL_NODE_IP": pod.address,
        "OTEL_POD_IP": pod.address,
        "OTEL_SERVICE_NAME": _of_resource(deployment).get("service.name", deployment["metadata"]["name"]),
        "OTEL_EXPORTER_OTLP_ENDPOINT": spec["exporter"]["endpoint"],
        "OTEL_RESOURCE_ATTRIBUTES_POD_NAME": pod.name,
        "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME": pod.node,
        "OTEL_PROPAGATORS": ",".join(spec.get("propagators") or []),
        "OTEL_TRACES_SAMPLER": path(spec, "sampler", "type"),
        "OTEL_TRACES_SAMPLER_ARG": path(spec, "sampler", "argument"),
        "OTEL_RESOURCE_ATTRIBUTES": _resource_attributes(deployment, container, pod),
    }
    return {name: value for name, value in found.items() if value}


def _resource_attributes(deployment: Document, container: Document, pod: Pod) -> str:
    namespace = deployment["metadata"]["namespace"]
    _, _, version = container["image"].rpartition("/")[2].partition(":")
    attributes = {
        "k8s.namespace.name": namespace,
        "k8s.container.name": container["name"],
        "k8s.pod.name": pod.name,
        "k8s.node.name": pod.node,
        "k8s.replicaset.name": pod.replica_set,
        "k8s.deployment.name": deployment["metadata"]["name"],
        "service.instance.id": f"{namespace}.{pod.name}.{container['name']}",
        "service.namespace": namespace,
        **({"service.version": version} if version else {}),
        **{key: value for key, value in _of_resource(deployment).items() if key != "service.name"},
    }
    return ",".join(f"{key}={attributes[key]}" for key in sorted(attributes))


def _of_resource(deployment: Document) -> dict[str, str]:
    annotations = _annotations(deployment["spec"]["template"])
    return {key.removeprefix(OF_RESOURCE): value for key, value in annotations.items() if key.startswith(OF_RESOURCE)}


def _loading(language: Language, container: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variable that makes the language's runtime load the instrumentation; what it held before stays in it."""
    match language:
        case "java":
            before = environment.get("JAVA_TOOL_OPTIONS", "")
            return {"JAVA_TOOL_OPTIONS": f"{before} -javaagent:{mounted_java(container)}"}
        case "nodejs":
            return {"NODE_OPTIONS": f"{environment.get('NODE_OPTIONS', '')} --require {MOUNTED_NODE}"}
        case "python":
            start = f"{MOUNTED_PYTHON}/opentelemetry/instrumentation/auto_instrumentation"
            between = [environment["PYTHONPATH"]] if "PYTHONPATH" in environment else []
            defaults = {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_LOGS_EXPORTER": "otlp",
            }
            return {
                "PYTHONPATH": ":".join([start, *between, MOUNTED_PYTHON]),
                **{name: value for name, value in defaults.items() if name not in environment},
            }
