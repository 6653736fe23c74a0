"""A span's context as text, so that it can be stored and continued: the form of W3C's `traceparent` header.

Deliveries, work, runs and promotions keep it. The lowest bit of its last two digits says whether it was recorded.
Source: W3C Trace Context level 1, sections 3.2 and 4.3; level 2 adds the bit that says that the id is random.
"""

import re

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags, format_span_id, format_trace_id

LONGEST = 256
"""Characters of a header that are looked at; what is longer is no trace of anybody's."""
KNOWN_FLAGS = 0b11
TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.ASCII,
)


def current() -> str:
    """The active span's context, empty when there is none."""
    return written(trace.get_current_span().get_span_context())


def written(context: SpanContext) -> str:
    """The context as text, empty for one that is not valid."""
    if not context.is_valid:
        return ""
    ids = f"{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}"
    return f"00-{ids}-{int(context.trace_flags) & KNOWN_FLAGS:02x}"


def context_of(text: str) -> SpanContext | None:
    """The context that a text names; None for anything else. Later versions are read as far as the first one goes."""
    found = TRACEPARENT.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or (found["version"] == "00" and found["more"]):
        return None
    return SpanContext(
        trace_id=int(found["trace"], 16),
        span_id=int(found["span"], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(found["flags"], 16) & KNOWN_FLAGS),
    )


def trace_id(text: str) -> str:
    """The 32 hex digits that log lines and tracing systems name the trace by, empty for an empty text."""
    return text[3:35]


def recorded_id(text: str) -> str:
    """The same where a tracing system may show the trace; empty where nothing recorded it."""
    context = context_of(text)
    return trace_id(text) if context is not None and context.trace_flags.sampled else ""
