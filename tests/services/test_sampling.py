"""Tail sampling as our Collector does it: errors and slow requests are kept, probes are not, the rest by its share."""

from collections.abc import Callable, Iterator

import pytest
from flux_tree import CLUSTERS, objects_of, variables
from operator_stand_in import LANGUAGES, PREFIX
from running_services import RunningService
from sampled_traffic import FAILURES, PROBED, SLOW, Kept, kept_of_traffic, probe, probe_traces
from shown_at_the_end import Shown
from tracing_configs import CLUSTER, collector_config
from tracing_stack import TracingStack

from bot.sandbox.documents import Document, path

FEW, MANY = 40, 300
Send = Callable[[str, int], Kept]


@pytest.fixture
def send(
    tracing_stack: TracingStack, node_service: RunningService, demo_service: RunningService, shown: Shown
) -> Iterator[Send]:
    """Sends traffic under a share of normal traces; all are kept again afterwards."""

    def under(percentage: str, normal: int) -> Kept:
        threshold = policies()["slow"]["latency"]["threshold_ms"]
        kept = kept_of_traffic(
            tracing_stack, node_service, demo_service, percentage=percentage, normal=normal, threshold=threshold
        )
        shown.sampling.append(str(kept))
        return kept

    yield under
    tracing_stack.use_sampling("100")


def test_with_a_share_of_0_only_errors_and_slow_traces_are_kept(send: Send) -> None:
    kept = send("0", FEW)

    assert (kept.normal, kept.failures, kept.slow, kept.probes) == (0, FAILURES, SLOW, 0)


def test_with_a_share_of_100_everything_but_probes_is_kept(send: Send) -> None:
    kept = send("100", FEW)

    assert (kept.normal, kept.failures, kept.slow, kept.probes) == (FEW, FAILURES, SLOW, 0)


def test_productions_share_is_kept_of_many_normal_traces(send: Send) -> None:
    share = variables(CLUSTER)["trace_sampling_percentage"]
    expected = MANY * float(share) / 100

    kept = send(share, MANY)

    # Binomial: at 10 % of 300 each bound is more than four and a half standard deviations away.
    assert expected / 6 <= kept.normal <= expected * 2.5
    assert (kept.failures, kept.slow, kept.probes) == (FAILURES, SLOW, 0)


def test_a_probe_that_fails_is_not_kept_either(
    tracing_stack: TracingStack, node_service_without_upstream: RunningService
) -> None:
    assert node_service_without_upstream.get("/ready").status == 503
    probe(node_service_without_upstream)
    assert node_service_without_upstream.get("/api/greeting?name=after-the-probes").status == 502

    # The later request of the same process has been decided, so the earlier ones have.
    tracing_stack.jaeger.waited_for("node-service", lambda trace: trace.mentions("after-the-probes"))

    assert probe_traces(tracing_stack) == []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_probe_and_scrape_of_an_instrumented_pod_is_among_those_not_kept(cluster: str) -> None:
    not_kept = {value for policy in dropping() for value in policy["string_attribute"]["values"]}
    asked = {place for pod in instrumented(cluster) for place in [*probes(pod), *scrapes(pod)]}
    monitored = {
        endpoint["path"] for one in objects_of(cluster, "ServiceMonitor") for endpoint in one["spec"]["endpoints"]
    }

    assert asked | monitored == not_kept
    assert {place for places in PROBED.values() for place in places} <= not_kept


def policies() -> dict[str, Document]:
    """The Collector's, by name."""
    return {one["name"]: one for one in collector_config()["processors"]["tail_sampling"]["policies"]}


def dropping() -> list[Document]:
    """The parts of the policies that drop whole traces."""
    return [part for one in policies().values() if one["type"] == "drop" for part in one["drop"]["drop_sub_policy"]]


def instrumented(cluster: str) -> list[Document]:
    """The pod templates that the operator instruments."""
    templates = [one["spec"]["template"] for one in objects_of(cluster, "Deployment", "StatefulSet")]
    asking = {f"{PREFIX}/inject-{language}" for language in LANGUAGES}
    return [one for one in templates if asking & set(path(one, "metadata", "annotations") or {})]


def probes(template: Document) -> set[str]:
    """What the kubelet asks."""
    kinds = ("startupProbe", "livenessProbe", "readinessProbe")
    found = [path(one, kind, "httpGet", "path") for one in template["spec"]["containers"] for kind in kinds]
    return {place for place in found if place}


def scrapes(template: Document) -> set[str]:
    """What Prometheus asks, where the pod says it."""
    found = template["metadata"]["annotations"].get("prometheus.io/path")
    return {found} if found else set()
