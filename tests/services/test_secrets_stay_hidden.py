"""What the SOPS secret brings is in no span, no metric and no log line, though the agents see the whole process."""

import json
import urllib.request

import pytest
from jaeger_traces import ARRIVAL_SECONDS
from local_process import eventually
from running_services import RunningService
from tracing_stack import TracingStack

NAMES = ("DATABASE_URL", "API_KEY", "JWT_SECRET", "OAUTH_CLIENT_SECRET")


@pytest.fixture
def values(demo_service: RunningService) -> list[str]:
    """The values that demo-service was started with; it says itself that it has them."""
    assert all(name in demo_service.process.log for name in NAMES)
    return [demo_service.environment[name] for name in NAMES]


def test_no_span_holds_a_secret(
    tracing_stack: TracingStack, demo_service: RunningService, node_service: RunningService, values: list[str]
) -> None:
    node_service.get("/api/greeting?name=search-here")
    node_service.post("/api/simulate?name=search-here", {"scenario": "error"})
    demo_service.post("/api/echo", {"message": 1})

    def arrived() -> bool:
        return sum(one.mentions("search-here") for one in tracing_stack.jaeger.traces("demo-service")) > 0

    assert eventually(arrived, seconds=ARRIVAL_SECONDS)
    raw = json.dumps([tracing_stack.jaeger.raw(service) for service in sorted(tracing_stack.jaeger.services())])
    assert "search-here" in raw
    assert [value for value in values if value in raw] == []


def test_no_metric_and_no_log_line_holds_a_secret(
    tracing_stack: TracingStack, demo_service: RunningService, node_service: RunningService, values: list[str]
) -> None:
    with urllib.request.urlopen(tracing_stack.span_metrics, timeout=10) as response:
        metrics = response.read().decode()
    said = {
        "the Collector's metrics": metrics,
        "demo-service's metrics": str(demo_service.get("/actuator/prometheus").body),
        "demo-service's log": demo_service.process.log,
        "node-service's log": node_service.process.log,
        "the Collector's log": tracing_stack.collector.log if tracing_stack.collector else "",
    }

    assert all(said.values())
    assert {where for where, text in said.items() if any(value in text for value in values)} == set()
