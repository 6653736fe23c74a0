"""Traffic of every kind that tail sampling tells apart, and how much of it Jaeger has kept."""

import secrets
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from jaeger_traces import ARRIVAL_SECONDS, Trace
from local_process import eventually
from prometheus_text import Sample, samples
from running_services import RunningService
from tracing_stack import TracingStack

FAILURES, SLOW = 5, 2
SLOW_BY = 200
"""Milliseconds over the threshold."""
AT_ONCE = 8
PROBED = {
    "node-service": ("/health", "/ready"),
    "demo-service": ("/actuator/health/liveness", "/actuator/health/readiness", "/actuator/prometheus"),
}
PROBES_OF_EACH = 5
DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Traces that Jaeger has, by kind; asked: how many of the normal kind there were."""

    percentage: str
    asked: int
    normal: int
    failures: int
    slow: int
    probes: int

    def __str__(self) -> str:
        return (
            f"{self.percentage:>4} % of normal traffic: {self.normal} of {self.asked} normal traces kept, "
            f"{self.failures} of {FAILURES} failures, {self.slow} of {SLOW} slow ones, {self.probes} probes"
        )


def kept_of_traffic(
    stack: TracingStack, node: RunningService, demo: RunningService, *, percentage: str, normal: int, threshold: int
) -> Kept:
    """Send it under this share of normal traces, wait for every decision, and count what is there.

    threshold: milliseconds from which a trace is slow.
    """
    mark = secrets.token_hex(6)
    stack.use_sampling(percentage)
    probe(node)
    probe(demo)
    _ask(node, mark, normal, threshold + SLOW_BY)
    expected = normal + FAILURES + SLOW + PROBES_OF_EACH * sum(map(len, PROBED.values()))
    if not eventually(lambda: decided(stack) >= expected, seconds=ARRIVAL_SECONDS):
        raise AssertionError(f"tail sampling decided about {decided(stack)} traces of {expected}")
    eventually(lambda: _failures(stack, mark) == FAILURES and _slow(stack, mark) == SLOW, seconds=ARRIVAL_SECONDS)
    return Kept(
        percentage=percentage,
        asked=normal,
        normal=_count(stack, f"normal-{mark}"),
        failures=_failures(stack, mark),
        slow=_slow(stack, mark),
        probes=len(probe_traces(stack)),
    )


def probe(service: RunningService) -> None:
    """Ask what the kubelet and Prometheus ask, as often as a minute has it."""
    for path in PROBED[service.name] * PROBES_OF_EACH:
        service.get(path)


def probe_traces(stack: TracingStack) -> list[Trace]:
    """Every trace that Jaeger has of a probe or a scrape."""
    paths = {path for paths in PROBED.values() for path in paths}
    return [trace for service in PROBED for trace in stack.jaeger.traces(service) if paths & trace.paths()]


def decided(stack: TracingStack) -> int:
    """About how many traces this Collector has decided since it started."""
    return int(sum(one.value for one in scraped(stack.own_metrics) if one.name.startswith(DECIDED)))


def scraped(url: str) -> list[Sample]:
    """What Prometheus would get there."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return samples(response.read().decode())


def _ask(node: RunningService, mark: str, normal: int, slow_for: int) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [pool.submit(node.get, f"/api/greeting?name=normal-{mark}-{turn}") for turn in range(normal)]
        for kind, count, body in (
            ("failure", FAILURES, {"scenario": "error"}),
            ("slow", SLOW, {"scenario": "slow", "delay": slow_for}),
        ):
            answers += [pool.submit(node.post, f"/api/simulate?mark={kind}-{mark}", body) for _ in range(count)]
        statuses = [answer.result().status for answer in answers]
    wrong = [status for status in statuses if status not in (200, 502)]
    assert not wrong, f"the services answered {wrong}"
    assert statuses.count(502) == FAILURES


def _failures(stack: TracingStack, mark: str) -> int:
    return _count(stack, f"failure-{mark}")


def _slow(stack: TracingStack, mark: str) -> int:
    return _count(stack, f"slow-{mark}")


def _count(stack: TracingStack, mark: str) -> int:
    return sum(trace.mentions(mark) for trace in stack.jaeger.traces("node-service"))
