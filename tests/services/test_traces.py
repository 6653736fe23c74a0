"""What Jaeger shows of requests to the services, which hold no tracing code: whole traces, in the right order."""

import json
import re
import secrets
from dataclasses import dataclass

import pytest
from jaeger_traces import Span, Trace
from running_services import RunningService
from shown_at_the_end import Shown
from tracing_stack import TracingStack

DEPTHS = (0, 1, 3)
BOTH = {"node-service", "demo-service"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Marks of requests that have been answered; each stands in an attribute of its trace alone."""

    greeting: str
    chains: dict[int, str]
    failure: str
    direct: str


@pytest.fixture(scope="module")
def asked(node_service: RunningService, demo_service: RunningService) -> Asked:
    """Ask everything at once: tail sampling holds each trace back for ten seconds."""
    marks = Asked(greeting=mark(), chains={depth: mark() for depth in DEPTHS}, failure=mark(), direct=mark())
    assert node_service.get(f"/api/greeting?name={marks.greeting}").status == 200
    for depth, chain in marks.chains.items():
        assert node_service.post(f"/api/chain?mark={chain}", {"message": "on", "depth": depth}).status == 200
    assert node_service.post(f"/api/simulate?mark={marks.failure}", {"scenario": "error"}).status == 502
    assert demo_service.get(f"/api/greeting?name={marks.direct}").status == 200
    return marks


def test_a_greeting_is_one_trace_through_both_services(tracing_stack: TracingStack, asked: Asked, shown: Shown) -> None:
    trace = marked(tracing_stack, asked.greeting)
    shown.trace("GET /api/greeting", trace)
    (answering,) = trace.of("demo-service", "server")
    path = [answering, *trace.above(answering)]

    assert trace.services == BOTH
    assert [one.trace_id for one in tracing_stack.jaeger.traces("demo-service") if one.mentions(asked.greeting)] == [
        trace.trace_id
    ]
    assert trace.roots == [path[-1]]
    assert ends(path) == [("demo-service", "server"), ("node-service", "client"), ("node-service", "server")]


def test_spans_carry_the_route_and_the_controller_that_answered(tracing_stack: TracingStack, asked: Asked) -> None:
    trace = marked(tracing_stack, asked.greeting)
    scopes = {str(span.tags.get("otel.scope.name")) for span in trace.of("node-service")}

    assert trace.roots[0].name == "GET /api/greeting"
    assert [span.name for span in trace.of("demo-service", "server")] == ["GET /api/greeting"]
    # NestJS 12, being pure ESM, would have lost the first one under --require.
    assert {"@opentelemetry/instrumentation-nestjs-core", "@opentelemetry/instrumentation-http"} <= scopes


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_chain_has_a_request_for_each_hop_one_below_the_other(
    tracing_stack: TracingStack, asked: Asked, shown: Shown, depth: int
) -> None:
    trace = marked(tracing_stack, asked.chains[depth])
    shown.trace(f"POST /api/chain, depth {depth}, without what happens inside", trace, only_hops=True)
    (last,) = trace.of("demo-service", "server")

    hops = [("node-service", "client"), ("node-service", "server")] * (depth + 1)

    assert last.name == "POST /api/echo"
    assert ends([last, *trace.above(last)]) == [("demo-service", "server"), *hops]
    assert len(trace.of(kind="server")) == depth + 2
    assert len(trace.of(kind="client")) == depth + 1


def test_a_failure_is_an_error_where_it_arose_and_where_it_was_answered(
    tracing_stack: TracingStack, asked: Asked, shown: Shown
) -> None:
    trace = marked(tracing_stack, asked.failure)
    shown.trace("POST /api/simulate error", trace)
    (arose,) = trace.of("demo-service", "server")
    (answered,) = trace.roots

    assert (arose.failed, status_of(arose)) == (True, 500)
    assert (answered.failed, status_of(answered)) == (True, 502)


def test_a_request_to_demo_service_itself_is_a_trace_of_its_own(tracing_stack: TracingStack, asked: Asked) -> None:
    trace = tracing_stack.jaeger.waited_for("demo-service", lambda one: one.mentions(asked.direct))

    assert trace.services == {"demo-service"}
    assert len(trace.roots) == 1


def test_spans_name_the_pod_namespace_and_version_they_come_from(
    tracing_stack: TracingStack, asked: Asked, node_service: RunningService, demo_service: RunningService
) -> None:
    trace = marked(tracing_stack, asked.greeting)

    for service in (node_service, demo_service):
        for span in trace.of(service.name):
            assert span.resource["k8s.namespace.name"] == service.name
            assert span.resource["k8s.deployment.name"] == service.name
            assert span.resource["k8s.pod.name"] == service.pod.name
            assert span.resource["service.version"] == service.environment["APP_VERSION"]


def test_a_log_line_written_during_a_request_names_its_trace(demo_service: RunningService, asked: Asked) -> None:
    lines = [json.loads(line) for line in demo_service.process.log.splitlines() if line.startswith("{")]
    traced = [line for line in lines if re.fullmatch("[0-9a-f]{32}", line.get("trace_id", ""))]

    assert asked.direct
    assert traced, "Spring tells of its first request, so at least that line"


def test_jaeger_knows_which_service_asks_which(tracing_stack: TracingStack, asked: Asked) -> None:
    marked(tracing_stack, asked.greeting)

    found = tracing_stack.jaeger.dependencies()

    assert {("node-service", "demo-service"), ("node-service", "node-service")} <= found


def marked(stack: TracingStack, mark: str) -> Trace:
    """The trace that carries the mark, once demo-service's part is there too."""
    return stack.jaeger.waited_for("node-service", lambda trace: trace.mentions(mark) and trace.services == BOTH)


def ends(path: list[Span]) -> list[tuple[str, str]]:
    """The spans that came from, or went to, another process; what a framework adds between them is left out."""
    return [(span.service, span.kind) for span in path if span.kind in ("server", "client")]


def status_of(span: Span) -> int:
    """The HTTP status it ended with, by its newer or its older name."""
    return int(span.tags.get("http.response.status_code", span.tags.get("http.status_code", 0)))


def mark() -> str:
    """Text that stands nowhere else."""
    return f"mark-{secrets.token_hex(6)}"
