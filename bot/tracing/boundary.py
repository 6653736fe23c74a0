"""Our traces are passed on to whom we call, and nobody's are taken over from who calls us."""

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import ProxyTracerProvider


class Outward(TextMapPropagator):
    """Sends what another propagator sends and reads nothing, neither a trace nor baggage.

    A sender that could name the trace could put every delivery into one without end (GitLab lets who may edit a webhook
    add a constant header), have us record all or nothing by its flag, and have its baggage sent on to GitLab by us.
    """

    def __init__(self, sending: TextMapPropagator) -> None:
        self._sending = sending

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Nothing is added to the context, by default the present one, which a mounted application is within."""
        return get_current() if context is None else context

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """As the operator configured it (OTEL_PROPAGATORS)."""
        self._sending.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:
        """The headers that are sent."""
        return self._sending.fields


def has_sdk() -> bool:
    """Whether anything in this process may record spans."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def begin_own_traces() -> None:
    """From now on this process takes over no trace of others; without an SDK there is nothing to do."""
    if not has_sdk():
        return
    # It reads the metadata of all that is installed.
    from opentelemetry import propagate

    sending = propagate.get_global_textmap()
    if not isinstance(sending, Outward):
        propagate.set_global_textmap(Outward(sending))
