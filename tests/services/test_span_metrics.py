"""What canaries are judged by: the queries of our MetricTemplates find the spans that the Collector has counted."""

import re
from collections.abc import Iterator

import pytest
from flux_tree import objects_of
from local_process import eventually
from prometheus_text import Sample, Selector, selectors
from running_services import RunningService, pod_of
from sampled_traffic import probe, scraped
from tracing_configs import CLUSTER
from tracing_stack import TracingStack

FLUSHED = 60.0
"""The Collector adds up every 15 s; spans wait up to 5 s in their SDK before."""
REQUESTS, FAILURES = 10, 3
BUCKETS = "traces_span_metrics_duration_milliseconds_bucket"


@pytest.fixture(scope="module", params=["demo-service", "node-service"])
def judged(request: pytest.FixtureRequest) -> RunningService:
    """A new pod of a service, as a canary's are: nothing has been counted of it."""
    pod = pod_of(request.param, suffix="canry")
    starting = request.getfixturevalue(f"{request.param.replace('-', '_')}s")
    upstream = [] if request.param == "demo-service" else [request.getfixturevalue("demo_service").url]
    started: RunningService = starting.as_pod(pod, *upstream)
    return started


def test_canaries_count_every_request_and_every_failure_and_no_probe(
    tracing_stack: TracingStack, judged: RunningService
) -> None:
    failed, total = (of_pod(one, judged) for one in selectors(query("request-success-rate", judged)))

    for turn in range(REQUESTS):
        judged.get(f"/api/greeting?name=counted-{turn}")
    for _ in range(FAILURES):
        judged.post("/api/simulate", {"scenario": "error"})
    probe(judged)

    expected = REQUESTS + FAILURES
    assert eventually(lambda: counted(tracing_stack, total) >= expected, seconds=FLUSHED)
    assert counted(tracing_stack, total) == expected
    assert counted(tracing_stack, failed) == FAILURES


def test_probes_reach_the_collector_so_that_not_counting_them_is_the_querys_doing(
    tracing_stack: TracingStack, judged: RunningService
) -> None:
    probe(judged)
    _, total = (of_pod(one, judged) for one in selectors(query("request-success-rate", judged)))
    with_probes = Selector(name=total.name, matchers=tuple(one for one in total.matchers if one[0] != "span_name"))

    def seen() -> bool:
        return counted(tracing_stack, with_probes) > counted(tracing_stack, total)

    assert eventually(seen, seconds=FLUSHED)


def test_canaries_find_the_latency_of_their_requests_in_buckets(
    tracing_stack: TracingStack, judged: RunningService
) -> None:
    judged.get("/api/greeting?name=timed")
    (buckets,) = selectors(query("request-duration", judged))

    def found() -> list[Sample]:
        return buckets.of(scraped(tracing_stack.span_metrics))

    assert eventually(lambda: bool(found()), seconds=FLUSHED)
    assert buckets.name == BUCKETS
    edges = {one.labels["le"] for one in found()}
    assert f"{threshold(judged)}" in edges, "between two edges a quantile is only a guess"
    assert "+Inf" in edges


@pytest.mark.parametrize(
    ("pod", "is_taken"), [("demo-service-6d4b75cb6d-hwx7f", True), ("demo-service-primary-6d4b75cb6d-hwx7f", False)]
)
def test_a_canarys_queries_take_its_own_pods_and_not_the_primarys(pod: str, is_taken: bool) -> None:
    for template in ("request-success-rate", "request-duration"):
        for selector in selectors(rendered(template, "demo-service")):
            series = Sample(name=selector.name, labels={**wanted(selector), "k8s_pod_name": pod}, value=1)

            assert selector.takes(series) is is_taken


def threshold(service: RunningService) -> int:
    """Milliseconds that the service's Canary allows."""
    (canary,) = [one for one in objects_of(CLUSTER, "Canary") if one["metadata"]["name"] == service.name]
    (found,) = [one for one in canary["spec"]["analysis"]["metrics"] if one["name"] == "request-duration"]
    return int(found["thresholdRange"]["max"])


def wanted(selector: Selector) -> dict[str, str]:
    """Labels that fulfil each equality of the selector."""
    return {label: value for label, operator, value in selector.matchers if operator == "="}


def counted(stack: TracingStack, selector: Selector) -> int:
    """The sum over the series that the selector takes."""
    return int(sum(one.value for one in selector.of(scraped(stack.span_metrics))))


def of_pod(selector: Selector, service: RunningService) -> Selector:
    """The same for this pod alone; the query itself must take it, and takes others of the canary too."""
    only = ("k8s_pod_name", "=", service.pod.name)
    return Selector(name=selector.name, matchers=(*selector.matchers, only))


def query(template: str, service: RunningService) -> str:
    """As Flagger asks for the canary of this service."""
    return rendered(template, service.name)


def rendered(template: str, target: str) -> str:
    """A MetricTemplate's query with what Flagger 1.41 puts into it; every MetricTemplate of the name says the same."""
    found = {one["spec"]["query"] for one in templates(template)}
    (text,) = found
    values = {"namespace": target, "target": target, "interval": "1m"}
    return re.sub(r"\{\{ (\w+) \}\}", lambda place: values[place[1]], text)


def templates(name: str) -> Iterator[dict[str, dict[str, str]]]:
    """The MetricTemplates of this name in the cluster."""
    yield from (one for one in objects_of(CLUSTER, "MetricTemplate") if one["metadata"]["name"] == name)
