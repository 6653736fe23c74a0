"""The spans that the bot records, kept in memory: an SDK beside it without any exporter or global of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import Tracer

from bot.tracing import spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What ended so far."""

    tracer: Tracer
    exporter: InMemorySpanExporter

    @property
    def all(self) -> Sequence[ReadableSpan]:
        """Every span, in the order they ended."""
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """The spans of this name."""
        return [span for span in self.all if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """The only span of this name."""
        (found,) = self.named(name)
        return found

    def above(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Its parent, its parent's parent and so on, as far as they were recorded."""
        by_id = {one.context.span_id: one for one in self.all if one.context}
        found = []
        while span.parent is not None and span.parent.span_id in by_id:
            span = by_id[span.parent.span_id]
            found.append(span)
        return found


def told(span: ReadableSpan) -> Mapping[str, Any]:
    """Its attributes."""
    return dict(span.attributes or {})


def record_spans(monkeypatch: pytest.MonkeyPatch, sampler: Sampler) -> Recorded:
    """Let the bot's own spans be recorded under this sampler until the test ends."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(spans, "TRACER", tracer)
    return Recorded(tracer=tracer, exporter=exporter)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """As the operator's Instrumentation samples: all that no parent says is not recorded."""
    return record_spans(monkeypatch, ParentBased(ALWAYS_ON))
