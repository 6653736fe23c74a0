"""The Collector's and Jaeger's configurations hold together: what pipelines name is there, and nothing else is."""

import re

import pytest
from flux_tree import CLUSTERS, FLUX, named, objects_of
from ruamel.yaml import YAML

from bot.sandbox.documents import Document

every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
GONE = {"opencensus", "logging", "memory_ballast"}
"""Removed from the Collector before 0.155; the exporter `jaeger` too, while the receiver of that name stays."""
RENAMED = {"otlp", "otlphttp", "k8sattributes", "spanmetrics"}
"""Exporters, processors and connectors that are only aliases since 0.155; the receiver is still `otlp`."""


@every_cluster
def test_pipelines_name_exactly_the_parts_that_are_configured(cluster: str) -> None:
    config = collector(cluster)
    pipelines = config["service"]["pipelines"].values()
    used = {part: {name for one in pipelines for name in one.get(part, [])} for part in PARTS}

    assert used["receivers"] == {*config["receivers"], *config["connectors"]}
    assert used["exporters"] == {*config["exporters"], *config["connectors"]}
    assert used["processors"] == set(config["processors"])
    assert config["service"]["extensions"] == list(config["extensions"])


PARTS = ("receivers", "processors", "exporters")


@every_cluster
def test_the_three_signals_have_a_pipeline_and_memory_is_limited_first(cluster: str) -> None:
    pipelines = collector(cluster)["service"]["pipelines"]

    assert {name.partition("/")[0] for name in pipelines} == {"traces", "metrics", "logs"}
    assert {one["processors"][0] for one in pipelines.values()} == {"memory_limiter"}
    assert pipelines["traces"]["processors"][-2:] == ["tail_sampling", "batch"]


@every_cluster
def test_requests_are_counted_before_any_is_dropped(cluster: str) -> None:
    pipelines = collector(cluster)["service"]["pipelines"]
    counting = [one for one in pipelines.values() if "span_metrics" in one["exporters"]]

    assert [one["processors"] for one in counting] == [["memory_limiter", "k8s_attributes"]]
    assert counting[0]["receivers"] == pipelines["traces"]["receivers"]


@every_cluster
def test_errors_and_slow_traces_are_always_kept(cluster: str) -> None:
    policies = {one["type"]: one for one in collector(cluster)["processors"]["tail_sampling"]["policies"]}

    assert set(policies) == {"drop", "status_code", "latency", "probabilistic"}
    assert policies["status_code"]["status_code"] == {"status_codes": ["ERROR"]}
    assert 0 < policies["probabilistic"]["probabilistic"]["sampling_percentage"] <= 100


@every_cluster
def test_no_part_is_one_that_the_collector_lost_or_renamed(cluster: str) -> None:
    config = collector(cluster)
    names = {part: {name.partition("/")[0] for name in config[part]} for part in (*PARTS, "connectors", "extensions")}

    assert not GONE & set().union(*names.values())
    assert not RENAMED & (names["processors"] | names["exporters"] | names["connectors"])
    assert "jaeger" not in names["exporters"]


@every_cluster
def test_traces_go_to_the_port_that_jaeger_opens(cluster: str) -> None:
    endpoint = collector(cluster)["exporters"]["otlp_grpc/jaeger"]["endpoint"]
    host, _, port = endpoint.partition(":")
    name, namespace, *rest = host.split(".")
    service = named(cluster, "Service", namespace, name)

    assert rest == ["svc", "cluster", "local"]
    assert service is not None
    assert int(port) in {found["port"] for found in service["spec"]["ports"]}
    assert jaeger()["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].endswith(f":{port}")


def test_jaegers_pipeline_names_exactly_what_is_configured() -> None:
    config = jaeger()
    (pipeline,) = config["service"]["pipelines"].values()

    assert {part: pipeline[part] for part in PARTS} == {part: list(config[part]) for part in PARTS}
    assert config["service"]["extensions"] == list(config["extensions"])
    assert set(config["extensions"]["jaeger_storage"]["backends"]) == {
        config["extensions"]["jaeger_query"]["storage"]["traces"]
    }


@every_cluster
def test_instrumented_pods_send_to_the_port_that_the_collector_opens(cluster: str) -> None:
    (instrumentation,) = objects_of(cluster, "Instrumentation")
    (found,) = objects_of(cluster, "OpenTelemetryCollector")
    (protocol,) = [
        one["value"] for one in instrumentation["spec"]["env"] if one["name"] == "OTEL_EXPORTER_OTLP_PROTOCOL"
    ]

    service = f"{found['metadata']['name']}-collector.{found['metadata']['namespace']}.svc.cluster.local"

    assert protocol == "http/protobuf"
    assert instrumentation["spec"]["exporter"]["endpoint"] == f"http://{service}:4318"
    assert collector(cluster)["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    assert found["spec"]["replicas"] == 1, "tail sampling must see all spans of a trace"


@pytest.mark.parametrize("cluster", ["staging", "production"])
def test_canaries_query_the_metrics_that_the_collector_makes(cluster: str) -> None:
    labels = {one["name"].replace(".", "_") for one in collector(cluster)["connectors"]["span_metrics"]["dimensions"]}
    queries = [one["spec"]["query"] for one in objects_of(cluster, "MetricTemplate")]

    assert queries
    for query in queries:
        assert set(re.findall(r"traces_span_metrics_[a-z_]+", query)) <= {
            "traces_span_metrics_calls_total",
            "traces_span_metrics_duration_milliseconds_bucket",
        }
        assert set(re.findall(r"k8s_[a-z_]+(?==)", query)) == labels


@pytest.mark.parametrize(
    ("pod", "is_canary"),
    [
        ("demo-service-6d4b75cb6d-hwx7f", True),
        ("demo-service-primary-6d4b75cb6d-hwx7f", False),
        ("demo-service-two-6d4b75cb6d-hwx7f", False),
    ],
)
def test_canaries_are_judged_by_their_own_pods_alone(pod: str, is_canary: bool) -> None:
    for template in objects_of("production", "MetricTemplate"):
        for pattern in re.findall(r'k8s_pod_name=~"([^"]+)"', template["spec"]["query"]):
            # Prometheus anchors its patterns at both ends.
            assert bool(re.fullmatch(pattern.replace("{{ target }}", "demo-service"), pod)) is is_canary


def collector(cluster: str) -> Document:
    (found,) = objects_of(cluster, "OpenTelemetryCollector")
    config: Document = found["spec"]["config"]
    return config


def jaeger() -> Document:
    text = (FLUX / "infrastructure" / "jaeger" / "jaeger.yaml").read_text("utf-8")
    found: Document = YAML(typ="safe", pure=True).load(text)
    return found
