"""The tracing stack and the services under it, each started once for the run.

`tracing_stack` alone needs no Java and no Node: tests of other traced programs start no more than it. At the end of the
run stand the build times, what of the configurations is another here, and the span trees that tests have shown.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import service_builds
from local_process import refusing_port
from operator_stand_in import Pod
from running_services import RunningService, pod_of, running_demo_service, running_node_service
from service_builds import Build, ToolIsMissing
from shown_at_the_end import Shown
from tools_at_hand import absent, binary
from tracing_stack import TracingStack, running_tracing_stack

T = TypeVar("T")
SHOWN = pytest.StashKey[Shown]()


@pytest.fixture(scope="session")
def shown(pytestconfig: pytest.Config) -> Shown:
    """Collects lines for the end of the run."""
    return pytestconfig.stash.setdefault(SHOWN, Shown())


@pytest.fixture(scope="session")
def tracing_stack(tmp_path_factory: pytest.TempPathFactory, shown: Shown) -> Iterator[TracingStack]:
    """A Collector with our configuration and a Jaeger behind it; skips without Go, fails without it under CI."""
    programs: dict[str, Path] = {name: binary(name) for name in ("collector", "jaeger")}
    folder = tmp_path_factory.mktemp("tracing")
    with running_tracing_stack(folder, collector=programs["collector"], jaeger=programs["jaeger"]) as stack:
        shown.replacements += [f"Collector  {one}" for one in stack.outside_of_collector.replacements]
        shown.replacements += [f"Jaeger     {one}" for one in stack.outside_of_jaeger.replacements]
        yield stack


def or_skipped(build: Callable[[], tuple[T, Build]], shown: Shown) -> T:
    """What was built; skips where a tool for it is missing, fails for that under CI."""
    try:
        result, said = build()
    except ToolIsMissing as missing:
        absent(str(missing))
    shown.builds.append(said)
    return result


@pytest.fixture(scope="session")
def demo_service_jar(shown: Shown) -> Path:
    """demo-service, built and tested by Maven."""
    return or_skipped(service_builds.demo_service, shown)


@pytest.fixture(scope="session")
def node_service_folder(shown: Shown) -> Path:
    """node-service, built and tested by npm."""
    return or_skipped(service_builds.node_service, shown)


@pytest.fixture(scope="session")
def java_agent(shown: Shown) -> Path:
    """What the operator mounts for Java."""
    return or_skipped(service_builds.java_agent, shown)


@pytest.fixture(scope="session")
def node_instrumentation(shown: Shown) -> Path:
    """What the operator mounts for Node.js."""
    return or_skipped(service_builds.node_instrumentation, shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoServices:
    """Starts demo-services under the Java agent; they run until the end."""

    stack: TracingStack
    jar: Path
    agent: Path
    running: ExitStack

    def as_pod(self, pod: Pod) -> RunningService:
        """One that its spans say to be this pod."""
        return self.running.enter_context(
            running_demo_service(
                self.stack.folder, jar=self.jar, agent=self.agent, collector=self.stack.otlp_http, pod=pod
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeServices:
    """Starts node-services under the Node instrumentation; they run until the end."""

    stack: TracingStack
    built: Path
    instrumentation: Path
    running: ExitStack

    def as_pod(self, pod: Pod, upstream: str) -> RunningService:
        """One that asks this upstream, and that its spans say to be this pod."""
        return self.running.enter_context(
            running_node_service(
                self.stack.folder,
                built=self.built,
                instrumentation=self.instrumentation,
                collector=self.stack.otlp_http,
                upstream=upstream,
                pod=pod,
            )
        )


@pytest.fixture(scope="session")
def demo_services(tracing_stack: TracingStack, demo_service_jar: Path, java_agent: Path) -> Iterator[DemoServices]:
    """Starts demo-services, and stops them at the end."""
    with ExitStack() as running:
        yield DemoServices(stack=tracing_stack, jar=demo_service_jar, agent=java_agent, running=running)


@pytest.fixture(scope="session")
def demo_service(demo_services: DemoServices) -> RunningService:
    """demo-service, sending to the tracing stack."""
    return demo_services.as_pod(pod_of("demo-service"))


@pytest.fixture(scope="session")
def node_services(
    tracing_stack: TracingStack, node_service_folder: Path, node_instrumentation: Path
) -> Iterator[NodeServices]:
    """Starts node-services, and stops them at the end."""
    with ExitStack() as running:
        yield NodeServices(
            stack=tracing_stack, built=node_service_folder, instrumentation=node_instrumentation, running=running
        )


@pytest.fixture(scope="session")
def node_service(node_services: NodeServices, demo_service: RunningService) -> RunningService:
    """node-service with demo-service as its upstream."""
    return node_services.as_pod(pod_of("node-service"), demo_service.url)


@pytest.fixture(scope="session")
def node_service_without_upstream(node_services: NodeServices) -> Iterator[RunningService]:
    """node-service whose upstream's address refuses every connection."""
    with refusing_port() as port:
        yield node_services.as_pod(pod_of("node-service", suffix="alone"), f"http://127.0.0.1:{port}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Builds, replacements, and the traces as trees."""
    for heading, lines in config.stash.get(SHOWN, Shown()).sections().items():
        terminalreporter.section(heading)
        terminalreporter.write_line("\n".join(lines))
