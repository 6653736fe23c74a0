"""The Collector takes spans of programs that speak Zipkin or OTLP, and brings them to Jaeger."""

import json
import secrets
import time
import urllib.request
from typing import Any

import pytest
from tracing_stack import TracingStack

SERVICE = "a-program"


@pytest.mark.parametrize("protocol", ["zipkin", "otlp"])
def test_a_span_arrives_whatever_its_protocol(tracing_stack: TracingStack, protocol: str) -> None:
    trace_id, span_id, name = secrets.token_hex(16), secrets.token_hex(8), f"{protocol}-{secrets.token_hex(4)}"
    now = time.time_ns()

    if protocol == "zipkin":
        send(f"http://{tracing_stack.outside_of_collector.address(9411)}/api/v2/spans", zipkin(trace_id, span_id, name))
    else:
        send(f"{tracing_stack.otlp_http}/v1/traces", otlp(trace_id, span_id, name, now))

    trace = tracing_stack.jaeger.waited_for(SERVICE, lambda one: any(span.name == name for span in one.spans))
    assert (trace.trace_id, [span.span_id for span in trace.spans]) == (trace_id, [span_id])


def zipkin(trace_id: str, span_id: str, name: str) -> object:
    """https://zipkin.io/zipkin-api/ (v2): times in microseconds."""
    started = time.time_ns() // 1000
    local = {"serviceName": SERVICE}
    return [{"traceId": trace_id, "id": span_id, "name": name, "timestamp": started, "duration": 1000,
             "localEndpoint": local}]  # fmt: skip


def otlp(trace_id: str, span_id: str, name: str, started: int) -> object:
    """OTLP 1.x as JSON: times in nanoseconds, as text."""
    span: dict[str, Any] = {"traceId": trace_id, "spanId": span_id, "name": name, "kind": 2}
    span |= {"startTimeUnixNano": str(started), "endTimeUnixNano": str(started + 1_000_000)}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


def send(url: str, document: object) -> None:
    """POST it as JSON; raises HTTPError when it is refused."""
    request = urllib.request.Request(
        url, data=json.dumps(document).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10):
        return
