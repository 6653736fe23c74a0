"""Each delivery gets a trace that others can follow; the traces are our own, whatever a sender claims.

Anybody may send a `traceparent`. It never decides whether we record, nor under which id: a request begins a trace of
ours, and the sender's is linked to it once the delivery has proven to be authentic. W3C Trace Context foresees such a
new beginning where a request crosses a boundary of trust.
"""

import os
from collections.abc import Callable

from multidict import MultiMapping
from opentelemetry import trace
from opentelemetry.trace import SpanContext

from bot.tracing.boundary import has_sdk
from bot.tracing.carried import context_of, written

NOT_RECORDED = "00"
"""The flags of a context that nobody records, so that work that continues it is not recorded either."""

TraceOf = Callable[[MultiMapping[str], str], str]
"""Given an authentic delivery's headers and its id: the context to store with it, in the form of a traceparent."""


def trace_of() -> TraceOf:
    """How contexts are found in this process. Asking for the active span takes 4 % of a whole acknowledgement."""
    return recorded if has_sdk() else unrecorded


def recorded(headers: MultiMapping[str], delivery: str) -> str:
    """The context of the request's own span; where it has none, as `unrecorded`."""
    span = trace.get_current_span()
    ours = span.get_span_context()
    if not ours.is_valid:
        return unrecorded(headers, delivery)
    span.set_attribute("sluice.delivery", delivery)
    if sender := sent_in(headers):
        span.add_link(sender)
    return written(ours)


def unrecorded(headers: MultiMapping[str], _: str) -> str:
    """The sender's context, for whoever compares logs, or a fresh one; marked as not recorded."""
    if sender := sent_in(headers):
        return written(sender)[:-2] + NOT_RECORDED
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-{NOT_RECORDED}"


def sent_in(headers: MultiMapping[str]) -> SpanContext | None:
    """The sender's context; None without one, and for what is not valid or not said once."""
    if "traceparent" not in headers:
        return None
    found = headers.getall("traceparent")
    return context_of(found[0]) if len(found) == 1 else None
