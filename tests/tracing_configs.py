"""Our Collector's and Jaeger's configurations, read from the manifests and moved out of the cluster, each change named.

The Collector's is `spec.config` of the OpenTelemetryCollector that Flux applies, Jaeger's the file in its ConfigMap.
What cannot work on one machine is replaced and listed; everything else stays as it is, tail sampling's wait too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flux_tree import TREE, layer, variables
from local_process import free_ports
from ruamel.yaml import YAML

from bot.sandbox.documents import Document, copy_of

CLUSTER = "production"
"""Whose manifests are read; the clusters differ in what is substituted alone."""
COLLECTOR = "OpenTelemetryCollector"
EVERYWHERE = re.compile(r"0\.0\.0\.0:(\d+)")
TELEMETRY = "8888"
"""Where a Collector, and Jaeger with it, shows its own metrics when nothing else is said."""
NEEDS_A_CLUSTER = "k8s_attributes"
"""Asks the API server for each sender's pod. Here the attributes are those that the operator injects, which it would
confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What of a configuration is another here; was and now are None for what was not there, or is not."""

    place: str
    was: Any
    now: Any
    because: str

    def __str__(self) -> str:
        return f"{self.place}: {_short(self.was)} -> {_short(self.now)} ({self.because})"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideCluster:
    """A configuration for this machine. ports: the one that the manifest names -> the free one that stands in."""

    config: Document
    ports: Mapping[str, int]
    replacements: tuple[Replacement, ...]

    def address(self, port: int | str) -> str:
        """Where the port of the manifest answers here, `127.0.0.1:port`."""
        return f"127.0.0.1:{self.ports[str(port)]}"


def collector_config(sampling_percentage: str | None = None) -> Document:
    """As the cluster has it; sampling_percentage stands in for the cluster's own substitution variable."""
    values = dict(variables(CLUSTER))
    if sampling_percentage is not None:
        values["trace_sampling_percentage"] = sampling_percentage
    objects = TREE.applied(layer(CLUSTER, "opentelemetry").folder, values)
    config: Document = _one(objects, COLLECTOR)["spec"]["config"]
    return config


def collector_environment() -> dict[str, str]:
    """The variables that the Collector has in the cluster."""
    return _plain(_one(layer(CLUSTER, "opentelemetry").objects, COLLECTOR)["spec"]["env"])


def jaeger_config() -> Document:
    """What Jaeger's ConfigMap holds in the cluster."""
    (text,) = _one(layer(CLUSTER, "jaeger").objects, "ConfigMap")["data"].values()
    config: Document = YAML(typ="safe", pure=True).load(text)
    return config


def jaeger_environment() -> dict[str, str]:
    """The variables that Jaeger has in the cluster: they keep it from tracing itself."""
    (container,) = _one(layer(CLUSTER, "jaeger").objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    return _plain(container["env"])


def _one(objects: Iterable[Document], kind: str) -> Document:
    (found,) = [one for one in objects if one["kind"] == kind]
    return found


def _plain(variables_of_container: Iterable[Document]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in variables_of_container}


def outside_cluster(config: Document, elsewhere: Mapping[str, str], ports: Mapping[str, int]) -> OutsideCluster:
    """Move a configuration to this machine.

    elsewhere: the address of a Service in the cluster -> where it answers here. ports: see OutsideCluster.
    """
    moved = copy_of(config)
    for parent, key, value in list(_texts(moved)):
        port = EVERYWHERE.fullmatch(value)
        if port is not None:
            parent[key] = f"127.0.0.1:{ports[port[1]]}"
        elif value in elsewhere:
            parent[key] = elsewhere[value]
    _show_own_metrics_at(moved, ports[TELEMETRY])
    _without_cluster(moved)
    return OutsideCluster(config=moved, ports=ports, replacements=tuple(differences(config, moved)))


def ports_for(config: Document) -> dict[str, int]:
    """A free port for each that the configuration opens, and for its own metrics."""
    wanted = {found[1] for _, _, value in _texts(config) if (found := EVERYWHERE.fullmatch(value))} | {TELEMETRY}
    return dict(zip(sorted(wanted), free_ports(len(wanted)), strict=True))


def differences(was: Any, now: Any, place: str = "") -> Iterator[Replacement]:
    """Every place where the second configuration is not the first."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            yield from differences(was.get(key), now.get(key), f"{place}.{key}".removeprefix("."))
    elif was != now:
        yield Replacement(place=place, was=was, now=now, because=_reason(place, was))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "{…}"
    return "nothing" if value is None else str(value)


def _reason(place: str, was: Any) -> str:
    if NEEDS_A_CLUSTER in place or (isinstance(was, list) and NEEDS_A_CLUSTER in was):
        return "asks an API server"
    if place.startswith("service.telemetry"):
        return "a free port instead of 8888"
    return "loopback and a free port"


def _texts(document: Any) -> Iterator[tuple[Any, Any, str]]:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        if isinstance(value, str):
            yield document, key, value
        elif isinstance(value, dict | list):
            yield from _texts(value)


def _show_own_metrics_at(config: Document, port: int) -> None:
    exporter = {"prometheus": {"host": "127.0.0.1", "port": port}}
    config["service"].setdefault("telemetry", {})["metrics"] = {"readers": [{"pull": {"exporter": exporter}}]}


def _without_cluster(config: Document) -> None:
    if config["processors"].pop(NEEDS_A_CLUSTER, None) is None:
        return
    for pipeline in config["service"]["pipelines"].values():
        pipeline["processors"] = [name for name in pipeline["processors"] if name != NEEDS_A_CLUSTER]
