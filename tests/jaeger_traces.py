"""Traces as Jaeger's query API gives them, as a tree that tests can ask and people can read."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_process import eventually

MOST_TRACES = 5000
ARRIVAL_SECONDS = 60.0
"""A span travels up to 5 s in its SDK's batch, then 10 s in tail sampling; the rest is for a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """kind: server, client, producer, consumer or internal. started and took: microseconds."""

    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    started: int
    took: int
    tags: Mapping[str, Any]
    resource: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        """Its status is ERROR, as Jaeger says it."""
        return self.tags.get("error") is True or self.tags.get("otel.status_code") == "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All spans of one trace that Jaeger keeps, the earliest first."""

    trace_id: str
    spans: tuple[Span, ...]

    @property
    def services(self) -> set[str]:
        """Who took part."""
        return {span.service for span in self.spans}

    @property
    def roots(self) -> list[Span]:
        """The spans whose parent is not there: one, in a trace that is complete."""
        known = {span.span_id for span in self.spans}
        return [span for span in self.spans if span.parent_id not in known]

    def children_of(self, parent: Span) -> list[Span]:
        """The spans right below this one, in the order of their start."""
        return [span for span in self.spans if span.parent_id == parent.span_id]

    def above(self, span: Span) -> Iterator[Span]:
        """Its parent, its parent's parent, and so on up to the root."""
        by_id = {one.span_id: one for one in self.spans}
        while (parent := by_id.get(span.parent_id or "")) is not None:
            yield parent
            span = parent

    def of(self, service: str | None = None, kind: str | None = None) -> list[Span]:
        """The spans of a service, of a kind, or both."""
        return [span for span in self.spans if service in (None, span.service) and kind in (None, span.kind)]

    def mentions(self, text: str) -> bool:
        """Whether any attribute of any span holds this text."""
        return any(text in str(value) for span in self.spans for value in span.tags.values())

    def paths(self) -> set[str]:
        """The paths that requests of this trace asked for, by the attribute's newer and older name."""
        found = {str(span.tags.get("url.path") or span.tags.get("http.target") or "") for span in self.spans}
        return {path.partition("?")[0] for path in found if path}

    def tree(self, *, only_hops: bool = False) -> list[str]:
        """A line for each span, indented by its depth; only_hops: just what went from one process to another."""
        return [line for root in self.roots for line in self._lines(root, 0, only_hops)]

    def _lines(self, span: Span, depth: int, only_hops: bool) -> Iterator[str]:
        if not only_hops or span.kind != "internal":
            mark = "  ERROR" if span.failed else ""
            yield f"{'  ' * depth}{span.service}: {span.name} [{span.kind}] {span.took / 1000:.1f} ms{mark}"
            depth += 1
        for child in self.children_of(span):
            yield from self._lines(child, depth, only_hops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jaeger:
    """Reads a Jaeger; url: of its query service, `http://127.0.0.1:port`."""

    url: str

    def traces(self, service: str) -> list[Trace]:
        """Every trace it keeps in which the service took part, of the last hour."""
        return [_trace(found) for found in self.raw(service)]

    def raw(self, service: str) -> list[Any]:
        """The same as Jaeger says it."""
        query = urllib.parse.urlencode({"service": service, "limit": MOST_TRACES, "lookback": "1h"})
        return self._get(f"/api/traces?{query}")

    def dependencies(self) -> set[tuple[str, str]]:
        """Who asks whom, of the last hour."""
        query = urllib.parse.urlencode({"endTs": int(time.time() * 1000), "lookback": 3_600_000})
        return {(one["parent"], one["child"]) for one in self._get(f"/api/dependencies?{query}")}

    def services(self) -> set[str]:
        """Every service that any span names."""
        return set(self._get("/api/services"))

    def waited_for(
        self, service: str, such_that: Callable[[Trace], bool], *, seconds: float = ARRIVAL_SECONDS
    ) -> Trace:
        """The first trace of the service that fulfils this; fails with the trees that came instead."""
        found: list[Trace] = []

        def arrived() -> bool:
            found[:] = self.traces(service)
            return any(such_that(trace) for trace in found)

        if not eventually(arrived, seconds=seconds):
            came = "\n\n".join("\n".join(trace.tree()) for trace in found[:5])
            raise AssertionError(
                f"no such trace of {service} in {seconds:.0f} s; {len(found)} others came, the newest:\n{came}"
            )
        return next(trace for trace in found if such_that(trace))

    def _get(self, path: str) -> list[Any]:
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            document: dict[str, Any] = json.load(response)
        return list(document["data"] or [])


def _trace(document: Mapping[str, Any]) -> Trace:
    processes = document["processes"]
    spans = [_span(span, processes[span["processID"]]) for span in document["spans"]]
    return Trace(trace_id=document["traceID"], spans=tuple(sorted(spans, key=lambda span: span.started)))


def _span(document: Mapping[str, Any], process: Mapping[str, Any]) -> Span:
    tags = _values(document["tags"])
    parents = [one["spanID"] for one in document.get("references") or [] if one["refType"] == "CHILD_OF"]
    return Span(
        span_id=document["spanID"],
        parent_id=parents[0] if parents else None,
        service=process["serviceName"],
        name=document["operationName"],
        kind=str(tags.get("span.kind", "internal")),
        started=document["startTime"],
        took=document["duration"],
        tags=tags,
        resource=_values(process.get("tags") or []),
    )


def _values(tags: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}
