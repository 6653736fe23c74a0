"""The services answer under the agents as they do without, whatever happens to their upstream or to the Collector."""

import pytest
from running_services import RunningService, injection_of
from tracing_stack import TracingStack

WORDS = ("title", "detail", "action")
"""What happened, why, and what to do about it."""


@pytest.mark.parametrize("group", ["", "/liveness", "/readiness"])
def test_demo_service_is_up_in_every_health_group(demo_service: RunningService, group: str) -> None:
    answer = demo_service.get(f"/actuator/health{group}")

    assert (answer.status, answer.body["status"]) == (200, "UP")


def test_prometheus_finds_the_latency_of_requests(demo_service: RunningService) -> None:
    demo_service.get("/api/greeting?name=scraped")

    answer = demo_service.get("/actuator/prometheus")

    assert answer.status == 200
    assert "http_server_requests_seconds_bucket{" in answer.body
    assert 'uri="/api/greeting"' in answer.body


def test_node_service_is_alive_and_ready_and_says_what_it_is(node_service: RunningService) -> None:
    about = node_service.get("/").body

    assert node_service.get("/health").status == 200
    assert node_service.get("/ready").status == 200
    assert (about["service"], about["version"]) == ("node-service", node_service.environment["APP_VERSION"])


def test_a_greeting_says_who_answered_and_who_was_asked(node_service: RunningService) -> None:
    answer = node_service.get("/api/greeting?name=World")

    assert answer.status == 200
    assert {**answer.body, "timestamp": "any"} == {
        "message": "Hello, World!",
        "timestamp": "any",
        "source": "node-service",
        "upstreamSource": "demo-service",
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/greeting?name=World", None),
        ("POST", "/api/chain", {"message": "on", "depth": 2}),
        ("POST", "/api/simulate", {"scenario": "normal"}),
    ],
)
def test_an_upstream_that_is_down_is_a_502_that_says_so(
    node_service_without_upstream: RunningService, method: str, path: str, body: object
) -> None:
    service = node_service_without_upstream

    answer = service.get(path) if method == "GET" else service.post(path, body)

    assert (answer.status, answer.body["type"]) == (502, "urn:problem-type:upstream-unreachable")
    assert "demo-service" in answer.body["title"]
    assert all(answer.body[word] for word in WORDS)


def test_without_its_upstream_node_service_is_alive_but_not_ready(
    node_service_without_upstream: RunningService,
) -> None:
    ready = node_service_without_upstream.get("/ready")

    assert node_service_without_upstream.get("/health").status == 200
    assert (ready.status, ready.body["type"]) == (503, "urn:problem-type:not-ready")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"scenario": "slow", "delay": 9000}, "urn:problem-type:upstream-slow"),
        ({"scenario": "timeout", "delay": 100}, "urn:problem-type:upstream-failed"),
    ],
)
def test_an_upstream_that_is_too_slow_is_a_504_that_says_so(
    node_service: RunningService, body: object, kind: str
) -> None:
    answer = node_service.post("/api/simulate", body)

    assert (answer.status, answer.body["type"]) == (504, kind)
    assert "demo-service" in answer.body["title"]
    assert all(answer.body[word] for word in WORDS)


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/api/chain", {"message": "on", "depth": 6}, "depth"),
        ("/api/chain", {"message": "on", "depth": "3"}, "depth"),
        ("/api/chain", [], "JSON object"),
        ("/api/simulate", {"scenario": "explode"}, "scenario"),
        ("/api/simulate", {"scenario": "slow", "delay": -1}, "delay"),
        ("/api/simulate", {"scenario": "slow", "delay": 60000}, "delay"),
    ],
)
def test_a_bad_request_is_a_400_that_names_the_field(
    node_service: RunningService, path: str, body: object, names: str
) -> None:
    answer = node_service.post(path, body)

    assert answer.status == 400
    assert names in answer.body["detail"]
    assert answer.body["action"]


def test_services_answer_while_the_collector_is_away(tracing_stack: TracingStack, node_service: RunningService) -> None:
    tracing_stack.close()
    try:
        answer = node_service.get("/api/greeting?name=alone")
    finally:
        tracing_stack.use_sampling("100")

    assert answer.status == 200


def test_the_agents_start_without_a_complaint(demo_service: RunningService, node_service: RunningService) -> None:
    assert f"opentelemetry-javaagent - version: {injection_of('demo-service').version}" in demo_service.process.log
    assert " ERROR io.opentelemetry" not in demo_service.process.log.partition("Started DemoService")[0]
    # The clouds' detectors would have asked metadata servers, which answer nowhere but in that cloud.
    assert "MetadataLookupWarning" not in node_service.process.log
