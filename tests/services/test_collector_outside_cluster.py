"""The configurations that run here are ours but for what needs a cluster, and each difference has to be."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from local_process import DidNotStart, running
from tools_at_hand import binary
from tracing_configs import (
    EVERYWHERE,
    NEEDS_A_CLUSTER,
    OutsideCluster,
    collector_config,
    collector_environment,
    jaeger_config,
    outside_cluster,
    ports_for,
)
from tracing_stack import JAEGER_OTLP, write_config

from bot.sandbox.documents import Document

OWN_METRICS = "service.telemetry"


def test_the_collector_differs_in_addresses_the_part_that_needs_a_cluster_and_its_own_metrics() -> None:
    here = moved(collector_config())
    others = {one.place for one in here.replacements if one.because == "loopback and a free port"}

    assert others == places_of_addresses(collector_config())
    assert {one.place for one in here.replacements} - others == {
        "processors.k8s_attributes",
        "service.pipelines.traces.processors",
        "service.pipelines.traces/measured.processors",
        "service.pipelines.logs.processors",
        OWN_METRICS,
    }


def test_jaeger_differs_in_addresses_and_its_own_metrics() -> None:
    here = moved(jaeger_config())

    assert {one.place for one in here.replacements} == {*places_of_addresses(jaeger_config()), OWN_METRICS}


@pytest.mark.parametrize("config", [collector_config, jaeger_config])
def test_an_address_stays_on_loopback_and_a_pipeline_loses_nothing_else(config: Callable[[], Document]) -> None:
    for one in moved(config()).replacements:
        if one.place.endswith("endpoint"):
            assert one.was == JAEGER_OTLP or EVERYWHERE.fullmatch(one.was), one
            assert re.fullmatch(r"127\.0\.0\.1:\d+", one.now), one
        if one.place.endswith("processors"):
            assert one.now == [name for name in one.was if name != NEEDS_A_CLUSTER], one


def test_sampling_is_what_the_clusters_variable_says() -> None:
    policies = {one["name"]: one for one in collector_config("37.5")["processors"]["tail_sampling"]["policies"]}

    assert policies["normal"]["probabilistic"] == {"sampling_percentage": 37.5}


def test_without_an_api_server_the_collector_does_not_come_up_with_k8s_attributes(tmp_path: Path) -> None:
    collector = binary("collector")
    config = collector_config()
    here = moved(config)
    here.config["processors"][NEEDS_A_CLUSTER] = config["processors"][NEEDS_A_CLUSTER]
    here.config["service"]["pipelines"]["traces"]["processors"].insert(1, NEEDS_A_CLUSTER)

    with (
        pytest.raises(DidNotStart, match=r"collector (ended|did not answer)"),
        running(
            "collector",
            [str(collector), "--config", str(write_config(tmp_path, "collector", here))],
            environment=collector_environment(),
            log_file=tmp_path / "collector.log",
            ready_at=f"http://{here.address(13133)}/",
            # It is up in half a second where it comes up at all; Collector 0.155 does not end, it stands still.
            patience=5,
        ),
    ):
        pytest.fail("it started")


def moved(config: Document) -> OutsideCluster:
    """The configuration on this machine, with a Jaeger that nobody runs."""
    return outside_cluster(config, {JAEGER_OTLP: "127.0.0.1:1"}, ports_for(config))


def places_of_addresses(config: Document, place: str = "") -> set[str]:
    """Where a configuration says `endpoint`."""
    found: set[str] = set()
    for key, value in config.items():
        here = f"{place}.{key}".removeprefix(".")
        found |= places_of_addresses(value, here) if isinstance(value, dict) else {here} if key == "endpoint" else set()
    return found
