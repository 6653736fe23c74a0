"""The sentence as spans: `work` for a claimed key, `run` for each rule, below it observe, decide and each effect.

Names are few and constant; what a span is about stands in its attributes. Where OpenTelemetry has a name it is used
(semantic conventions 1.4x: vcs.*, deployment.environment.name, error.type, process.exit.code), else `sluice.*`.
Never a secret, never a body: natural keys, project paths, versions, and the sentences that people read anyway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from bot.actions import Decision, Outside, ProposePromotion
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.keys import ApplicationKey, CommandKey, ConfigKey, EnvironmentKey, Key, SourceKey, Subject
from bot.tracing.carried import context_of

TRACER = trace.get_tracer("sluice")
LONGEST_SENTENCE = 500
"""Characters of a sentence that a span keeps."""

Attributes = Mapping[str, AttributeValue]


@contextmanager
def work(key: Key, *, because: str, attempt: int, traces: Sequence[str]) -> Iterator[Span]:
    """A claimed key. It continues the first of these traces, across the queue, and links the others."""
    found = [context for context in map(context_of, traces) if context is not None]
    parent, others = (found[0], found[1:]) if found else (None, [])
    # Without a cause it begins a trace of its own, whatever may be active around the loop.
    around = trace.set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
    span = TRACER.start_span(
        f"work {kind_of(key)}",
        around,
        # Started by somebody who does not wait for the end: what OpenTelemetry calls a consumer.
        SpanKind.CONSUMER,
        {"sluice.key": str(key), "sluice.because": because[:LONGEST_SENTENCE], "sluice.attempt": attempt},
        [Link(one) for one in _each_once(others) if parent is None or one.trace_id != parent.trace_id],
    )
    with _during(span):
        yield span


@contextmanager
def run(rule: str, subject: Subject) -> Iterator[Span]:
    """One rule about one subject."""
    with _during(TRACER.start_span(f"run {rule}", attributes={"sluice.rule": rule, **about(subject)})) as span:
        yield span


@contextmanager
def step(name: str) -> Iterator[Span]:
    """A part of a run: `observe` or `decide`."""
    with _during(TRACER.start_span(name)) as span:
        yield span


@contextmanager
def effect(action: Outside, project: str) -> Iterator[Span]:
    """One outside action, named after its natural key: `ensure_merge_request`, `ensure_status`, `ensure_rollback`."""
    name = "ensure_" + action.effect_key.partition(":")[0].replace("-", "_")
    span = TRACER.start_span(name)
    if span.is_recording():
        span.set_attributes(_of_action(action, project))
    with _during(span):
        yield span


@contextmanager
def remote_git(verb: str, url: str) -> Iterator[Span]:
    """A git command that talks to the server, a process of its own which no instrumentation sees."""
    attributes = {"process.executable.name": "git", "vcs.repository.url.full": url.removesuffix(".git")}
    with _during(TRACER.start_span(f"git {verb}", kind=SpanKind.CLIENT, attributes=attributes)) as span:
        yield span


def decided(decision: Decision) -> Span:
    """The span of the present run, told what was decided and why."""
    span = trace.get_current_span()
    span.set_attribute("sluice.decision", decision.kind)
    span.set_attribute("sluice.because", decision.because[:LONGEST_SENTENCE])
    return span


def made(span: Span, action: Outside, *, wrote: bool, external_id: str) -> None:
    """What came of an effect: whether anything was written, and its number where it stands."""
    span.set_attribute("sluice.wrote", wrote)
    if isinstance(action, ProposePromotion) and external_id:
        span.set_attribute("vcs.change.id", external_id)


def exited(span: Span, code: int) -> None:
    """How a command ended; another code than 0 is an error of it."""
    span.set_attribute("process.exit.code", code)
    if code:
        span.set_status(StatusCode.ERROR)


def _each_once(contexts: Iterable[SpanContext]) -> Iterable[SpanContext]:
    """The first of each trace."""
    found: dict[int, SpanContext] = {}
    for one in contexts:
        found.setdefault(one.trace_id, one)
    return found.values()


def kind_of(key: Key) -> str:
    """Low in number, for a span's name."""
    return type(key).__name__.removesuffix("Key").lower()


def about(subject: Subject) -> Attributes:
    """Whom a run is about."""
    match subject:
        case EnvironmentKey(tenant=tenant, application=application, environment=environment):
            return {
                "sluice.subject": str(subject),
                "sluice.tenant": tenant,
                "sluice.application": application,
                "deployment.environment.name": environment,
            }
        case ApplicationKey(tenant=tenant, application=application):
            return {"sluice.subject": str(subject), "sluice.tenant": tenant, "sluice.application": application}
        case ConfigKey(tenant=tenant) | CommandKey(tenant=tenant):
            return {"sluice.subject": str(subject), "sluice.tenant": tenant}
        case SourceKey():
            return {"sluice.subject": str(subject)}


def _of_action(action: Outside, project: str) -> dict[str, AttributeValue]:
    owner, _, name = project.rpartition("/")
    key = getattr(action, "key", None)
    found: dict[str, AttributeValue] = {
        **(about(key) if key is not None else {}),
        "sluice.effect": action.effect_key,
        "vcs.provider.name": "gitlab",
        "vcs.owner.name": owner,
        "vcs.repository.name": name,
    }
    release, change, sha = (getattr(action, name, None) for name in ("release", "merge_request", "sha"))
    if release is not None:
        found["sluice.release"] = release.name
    if change is not None:
        found["vcs.change.id"] = str(change)
    if sha:
        found["vcs.ref.head.revision"] = sha
    return found


@contextmanager
def _during(span: Span) -> Iterator[Span]:
    """The span is active and ends with the block; how the block failed is told in our words, never with a stack."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except StaleError:
            # Somebody was faster: part of the day's work, and no error that sampling must keep.
            span.set_attribute("sluice.outcome", "stale")
            raise
        except (TemporaryError, PermanentError) as error:
            failed(span, error, str(error))
            raise
        except Exception as error:
            # A foreign error may quote what nobody wrote for others to read.
            failed(span, error, "")
            raise


def failed(span: Span, error: Exception, because: str) -> None:
    """The span's block did not do what it was for."""
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR, because[:LONGEST_SENTENCE])
