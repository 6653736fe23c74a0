"""Each delivery gets a trace that others can follow; the traces are our own, whatever a sender claims.

Anybody may send a `traceparent`. It never decides whether we record, nor under which id: a request begins a trace of
ours, and the sender's is linked to it once the delivery has proven to be authentic. W3C Trace Context foresees such a
new beginning where a request crosses a boundary of trust.
"""

import os

from multidict import MultiMapping
from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

from bot.tracing.carried import context_of, written

UNRECORDED = f"{TraceFlags.DEFAULT:02x}"


def trace_of(headers: MultiMapping[str], delivery: str) -> str:
    """What is stored with an authentic delivery: the context of the request's own span, where something records it.

    Else, marked as not recorded: the sender's, for whoever compares logs, or a fresh one.
    """
    sender = sent_in(headers)
    span = trace.get_current_span()
    ours = span.get_span_context()
    if not ours.is_valid:
        return unrecorded(sender)
    span.set_attribute("sluice.delivery", delivery)
    if sender is not None:
        span.add_link(sender)
    return written(ours)


def sent_in(headers: MultiMapping[str]) -> SpanContext | None:
    """The sender's context; None without one, and for what is not valid or not said once."""
    found = headers.getall("traceparent", ())
    return context_of(found[0]) if len(found) == 1 else None


def unrecorded(sender: SpanContext | None) -> str:
    """A context that nobody records, so that work that continues it is not recorded either."""
    if sender is not None:
        return written(sender)[:-2] + UNRECORDED
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-{UNRECORDED}"
