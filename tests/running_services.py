"""The demo services as their Deployments run them, instrumented, on loopback; and plain HTTP to them.

Their environment is that of the Deployment: its ConfigMap, the keys of its Secret with values made up here, and what
`operator_stand_in` says that the operator adds. Then only addresses, ports and paths are those of this machine.
"""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flux_tree import named, objects_of
from local_process import LocalProcess, free_ports, running
from operator_stand_in import MOUNTED_NODE, Injection, Pod, injections, mounted_java, on_this_machine
from service_builds import jdk, node
from tracing_configs import CLUSTER

from bot.sandbox.documents import Document

FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")
"""Starting well matters more here than running long; the Dockerfile's options suit a container."""
LONGEST_ANSWER = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and JSON body, or the text when it is no JSON."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """One of the services; environment: all that it was started with beside PATH and HOME."""

    name: str
    url: str
    pod: Pod
    process: LocalProcess
    environment: Mapping[str, str]

    def get(self, path: str, **headers: str) -> Answer:
        """What a GET answers, whatever the status."""
        return ask("GET", self.url + path, None, headers)

    def post(self, path: str, body: object) -> Answer:
        """What a POST of this JSON answers, whatever the status."""
        return ask("POST", self.url + path, body, {})


def ask(method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
    """One request; a refusal is an answer too. Raises URLError or TimeoutError where none comes within 30 s."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=LONGEST_ANSWER) as response:
            return _answer(response.status, response.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _answer(refusal.code, refusal.read())


def deployment(name: str) -> Document:
    """The Deployment of an application, in the namespace of the same name."""
    found = named(CLUSTER, "Deployment", name, name)
    assert found is not None, f"{CLUSTER} has no Deployment {name}/{name}"
    return found


def pod_of(name: str, suffix: str = "hwx7f") -> Pod:
    """A pod as the Deployment's ReplicaSet would name it; a Canary's own pods are named so too."""
    return Pod(replica_set=f"{name}-6d4b75cb6d", suffix=suffix)


def injection_of(name: str, pod: Pod | None = None) -> Injection:
    """What the operator injects into the one instrumented container of an application's pod."""
    (found,) = injections(deployment(name), objects_of(CLUSTER, "Instrumentation"), pod or pod_of(name))
    return found


def own_environment(name: str) -> dict[str, str]:
    """What the container's envFrom gives it; the values of a Secret are random, to be looked for elsewhere."""
    (container,) = deployment(name)["spec"]["template"]["spec"]["containers"]
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            found |= _object("ConfigMap", name, source["configMapRef"]["name"])["data"]
        else:
            secret = _object("Secret", name, source["secretRef"]["name"])
            keys = secret.get("stringData") or secret["data"]
            found |= {key: f"must-stay-hidden-{secrets.token_hex(12)}" for key in keys}
    return found


@contextmanager
def running_demo_service(folder: Path, *, jar: Path, agent: Path, collector: str, pod: Pod) -> Iterator[RunningService]:
    """demo-service with the Java agent; collector: the endpoint it sends to."""
    name = pod.application
    (port,) = free_ports(1)
    flags = folder / f"flags-{port}.json"
    flags.write_text(_object("ConfigMap", name, "feature-flags")["data"]["flags.json"], "utf-8")
    injection = injection_of(name, pod)
    environment = {
        **own_environment(name),
        **on_this_machine(
            injection.environment, mounted={mounted_java(injection.container): str(agent)}, endpoint=collector
        ),
        "SERVER_ADDRESS": "127.0.0.1",
        "SERVER_PORT": str(port),
        "FEATURE_FLAGS_PATH": str(flags),
    }
    command = [str(jdk() / "bin" / "java"), *FAST_START, "-jar", str(jar)]
    with _running(pod, command, environment, folder, port, "/actuator/health/readiness") as service:
        yield service


@contextmanager
def running_node_service(
    folder: Path, *, built: Path, instrumentation: Path, collector: str, upstream: str, pod: Pod
) -> Iterator[RunningService]:
    """node-service with the Node instrumentation; upstream: where demo-service answers, or should."""
    name = pod.application
    (port,) = free_ports(1)
    environment = {
        **own_environment(name),
        **on_this_machine(
            injection_of(name, pod).environment, mounted={MOUNTED_NODE: str(instrumentation)}, endpoint=collector
        ),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DEMO_SERVICE_URL": upstream,
        "CHAIN_URL": f"http://127.0.0.1:{port}",
    }
    with _running(pod, [node(), str(built / "dist" / "main.js")], environment, folder, port, "/health") as service:
        yield service


@contextmanager
def _running(
    pod: Pod, command: Sequence[str], environment: Mapping[str, str], folder: Path, port: int, ready: str
) -> Iterator[RunningService]:
    name, url = pod.application, f"http://127.0.0.1:{port}"
    log = folder / f"{name}-{port}.log"
    with running(name, command, environment=environment, log_file=log, ready_at=url + ready) as process:
        yield RunningService(name=name, url=url, pod=pod, process=process, environment=environment)


def _object(kind: str, namespace: str, name: str) -> Document:
    found = named(CLUSTER, kind, namespace, name)
    assert found is not None, f"{CLUSTER} has no {kind} {namespace}/{name}"
    return found


def _answer(status: int, content: bytes) -> Answer:
    text = content.decode("utf-8", errors="replace")
    try:
        return Answer(status=status, body=json.loads(text))
    except ValueError:
        return Answer(status=status, body=text)
