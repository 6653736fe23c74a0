"""A real Collector and a real Jaeger with our configurations, on loopback for the time of a block."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jaeger_traces import Jaeger
from local_process import LocalProcess, running
from tracing_configs import (
    OutsideCluster,
    collector_config,
    collector_environment,
    jaeger_config,
    jaeger_environment,
    outside_cluster,
    ports_for,
)

JAEGER_OTLP = "jaeger-collector.jaeger.svc.cluster.local:4317"


@dataclass(slots=True, kw_only=True)
class TracingStack:
    """Where traces go and where they are read; the Collector may be another after `sampling`, its ports never."""

    folder: Path
    binary: Path
    jaeger: Jaeger
    outside_of_jaeger: OutsideCluster
    outside_of_collector: OutsideCluster
    collector: LocalProcess | None = None
    _until_next: ExitStack = field(default_factory=ExitStack)

    @property
    def otlp_http(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT says for http/protobuf."""
        return f"http://{self.outside_of_collector.address(4318)}"

    @property
    def otlp_grpc(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT says for grpc."""
        return f"http://{self.outside_of_collector.address(4317)}"

    @property
    def span_metrics(self) -> str:
        """What Prometheus scrapes: the metrics that the Collector makes of spans, and those sent to it."""
        return f"http://{self.outside_of_collector.address(8889)}/metrics"

    @property
    def own_metrics(self) -> str:
        """The Collector's metrics about itself."""
        return f"http://{self.outside_of_collector.address(8888)}/metrics"

    def use_sampling(self, percentage: str) -> None:
        """Stop the Collector and start it with this share of normal traces kept; senders try again meanwhile."""
        self._until_next.close()
        config = collector_config(percentage)
        elsewhere = {JAEGER_OTLP: self.outside_of_jaeger.address(4317)}
        self.outside_of_collector = outside_cluster(config, elsewhere, self.outside_of_collector.ports)
        self.collector = self._until_next.enter_context(
            _running("collector", self.binary, self.outside_of_collector, collector_environment(), self.folder)
        )

    def close(self) -> None:
        """Stop the Collector."""
        self._until_next.close()


@contextmanager
def running_tracing_stack(folder: Path, *, collector: Path, jaeger: Path) -> Iterator[TracingStack]:
    """Both, with logs and configurations in the folder; every normal trace is kept until `use_sampling` says less."""
    config = jaeger_config()
    outside = outside_cluster(config, {}, ports_for(config))
    with _running("jaeger", jaeger, outside, jaeger_environment(), folder):
        stack = TracingStack(
            folder=folder,
            binary=collector,
            jaeger=Jaeger(url=f"http://{outside.address(16686)}"),
            outside_of_jaeger=outside,
            outside_of_collector=OutsideCluster(config={}, ports=ports_for(collector_config("100")), replacements=()),
        )
        try:
            stack.use_sampling("100")
            yield stack
        finally:
            stack.close()


def write_config(folder: Path, name: str, outside: OutsideCluster) -> Path:
    """The configuration as a file that a Collector, or Jaeger, reads: JSON, of which YAML is a superset."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps(outside.config, indent=2), "utf-8")
    return file


@contextmanager
def _running(
    name: str, binary: Path, outside: OutsideCluster, environment: Mapping[str, str], folder: Path
) -> Iterator[LocalProcess]:
    with running(
        name,
        [str(binary), "--config", str(write_config(folder, name, outside))],
        environment=environment,
        log_file=folder / f"{name}.log",
        ready_at=f"http://{outside.address(13133)}/{'status' if name == 'jaeger' else ''}",
    ) as process:
        yield process
