"""What is told to a tracing system: whose trace a span continues, what it says, and what it never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import default_getter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from recorded_spans import Recorded, record_spans, recorded, told

from bot.actions import ProposePromotion, PublishGates, WriteCommitStatus
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.keys import ApplicationKey, CommandKey, ConfigKey, EnvironmentKey, SourceKey, Subject
from bot.releases import Image, Release
from bot.server_traces import recorded as recorded_trace
from bot.server_traces import trace_of, unrecorded
from bot.tracing import boundary, spans
from bot.tracing.carried import LONGEST, context_of, current, recorded_id, trace_id, written

__all__ = ["recorded"]

SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"
STAGING = EnvironmentKey("acme", "shop", "staging")
IMAGE = Image(name="registry.example.com/shop", digest="sha256:" + "a" * 64, tag="1.2.3")
RELEASE = Release(application="shop", images=(IMAGE,), version="1.2.3", commit="c" * 40)
PROPOSAL = ProposePromotion(
    key=STAGING,
    release=RELEASE,
    replaces=None,
    draft=False,
    changes=(),
    changes_url="",
    because="healthy in dev",
    rebuild=True,
)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-0-0-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        SENT + "\n",
        SENT + "-more",
        "01" + SENT[2:] + "-" + LONGEST * "x",
    ],
)
def test_what_is_no_valid_traceparent_is_taken_for_none(header: str) -> None:
    assert context_of(header) is None


@pytest.mark.parametrize("header", ["01" + SENT[2:], "cc" + SENT[2:] + "-what-will-be", SENT[:-2] + "f1"])
def test_a_traceparent_of_a_later_version_is_read_as_far_as_ours_goes(header: str) -> None:
    context = context_of(header)

    assert context is not None
    assert written(context) == SENT
    assert trace_id(SENT) == recorded_id(SENT) == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (trace_id(""), recorded_id(""), recorded_id(SENT[:-2] + "00")) == ("", "", "")


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")))
def test_no_header_breaks_a_request_or_makes_more_than_a_short_text(header: str) -> None:
    stored = recorded_trace(CIMultiDict(traceparent=header), "1")

    assert len(stored) == len(SENT)
    assert stored.endswith("-00")
    assert context_of(stored) is not None


def test_a_sender_that_names_two_traces_names_none() -> None:
    headers = CIMultiDict([("traceparent", SENT), ("traceparent", OTHER)])

    stored = unrecorded(headers, "1")

    assert trace_id(stored) not in (trace_id(SENT), trace_id(OTHER))


def test_a_recorded_delivery_keeps_our_trace_and_links_the_senders(recorded: Recorded) -> None:
    with recorded.tracer.start_as_current_span("POST /hooks/gitlab", Context()):
        stored = recorded_trace(CIMultiDict(traceparent=SENT), "0001")
        here = current()

    span = recorded.one("POST /hooks/gitlab")
    assert stored == here
    assert [written(link.context) for link in span.links] == [SENT]
    assert told(span) == {"sluice.delivery": "0001"}


def test_a_sender_neither_gives_us_its_trace_nor_its_baggage_and_ours_is_still_sent(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", propagate.get_global_textmap())
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: object())
    boundary.begin_own_traces()
    boundary.begin_own_traces()
    sent: dict[str, str] = {}

    taken = propagate.extract({"traceparent": SENT, "baggage": "a=1"}, None, default_getter)
    with recorded.tracer.start_as_current_span("here", Context()):
        propagate.inject(sent)
        within, here = propagate.extract({"traceparent": SENT}, None, default_getter), current()

    assert taken == Context()
    assert sent == {"traceparent": here}
    assert written(trace.get_current_span(within).get_span_context()) == here
    assert "traceparent" in propagate.get_global_textmap().fields


def test_without_an_sdk_the_process_is_left_as_it_is() -> None:
    before = propagate.get_global_textmap()

    boundary.begin_own_traces()

    assert propagate.get_global_textmap() is before
    assert trace_of() is unrecorded


def test_with_an_sdk_the_request_is_asked_for_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: object())

    assert trace_of() is recorded_trace


def test_work_continues_its_first_cause_and_links_each_other_trace_once(recorded: Recorded) -> None:
    causes = [SENT, OTHER, "nonsense", OTHER[:-4] + "c-01", SENT[:-4] + "c-01"]

    with spans.work(ApplicationKey("acme", "shop"), because="pushed", attempt=2, traces=causes):
        pass

    span = recorded.one("work application")
    assert span.parent is not None
    assert (written(span.parent), span.kind) == (SENT, SpanKind.CONSUMER)
    assert [written(link.context) for link in span.links] == [OTHER]
    assert told(span) == {"sluice.key": "app:acme/shop", "sluice.because": "pushed", "sluice.attempt": 2}


def test_work_without_a_cause_begins_a_trace_whatever_is_active_around_it(recorded: Recorded) -> None:
    with (
        recorded.tracer.start_as_current_span("serve"),
        spans.work(ConfigKey("acme"), because="", attempt=0, traces=[]),
    ):
        pass

    assert recorded.one("work config").parent is None


def test_work_is_not_recorded_where_its_cause_was_not(recorded: Recorded) -> None:
    with spans.work(ConfigKey("acme"), because="", attempt=0, traces=[SENT[:-2] + "00"]):
        inside = current()

    assert recorded.all == ()
    assert trace_id(inside) == trace_id(SENT)


def test_what_the_operator_does_not_sample_is_passed_on_as_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    record_spans(monkeypatch, ALWAYS_OFF)

    with spans.work(ConfigKey("acme"), because="", attempt=0, traces=[]):
        inside = current()

    context = context_of(inside)
    assert context is not None
    assert not context.trace_flags.sampled


def test_without_an_sdk_logs_and_stored_runs_still_name_the_deliverys_trace() -> None:
    with (
        spans.work(ConfigKey("acme"), because="", attempt=0, traces=[SENT]),
        spans.run("sources", ConfigKey("acme")),
        spans.step("observe"),
    ):
        assert current() == SENT

    assert current() == ""


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (SourceKey("eu-1", "apps", "shop"), {"sluice.subject": "src:eu-1/apps/shop"}),
        (ConfigKey("acme"), {"sluice.subject": "cfg:acme", "sluice.tenant": "acme"}),
        (CommandKey("acme", "7"), {"sluice.subject": "cmd:acme/7", "sluice.tenant": "acme"}),
        (
            ApplicationKey("acme", "shop"),
            {"sluice.subject": "app:acme/shop", "sluice.tenant": "acme", "sluice.application": "shop"},
        ),
        (
            STAGING,
            {
                "sluice.subject": "app:acme/shop@staging",
                "sluice.tenant": "acme",
                "sluice.application": "shop",
                "deployment.environment.name": "staging",
            },
        ),
    ],
)
def test_a_run_says_whom_it_is_about(recorded: Recorded, subject: Subject, said: dict[str, str]) -> None:
    with spans.run("promotion", subject):
        pass

    assert told(recorded.one("run promotion")) == {"sluice.rule": "promotion", **said}


@pytest.mark.parametrize(
    ("error", "status", "because", "said"),
    [
        (StaleError("lost the race"), StatusCode.UNSET, None, {"sluice.outcome": "stale"}),
        (TemporaryError("GitLab is away."), StatusCode.ERROR, "GitLab is away.", {"error.type": "TemporaryError"}),
        (PermanentError("no right."), StatusCode.ERROR, "no right.", {"error.type": "PermanentError"}),
        (KeyError("glpat-secret"), StatusCode.ERROR, "", {"error.type": "KeyError"}),
    ],
)
def test_a_failure_is_told_in_our_words_and_a_foreign_one_by_its_type_alone(
    recorded: Recorded, error: Exception, status: StatusCode, because: str | None, said: dict[str, str]
) -> None:
    with pytest.raises(type(error)), spans.step("observe"):
        raise error

    span = recorded.one("observe")
    assert (span.status.status_code, span.status.description or because) == (status, because)
    assert (told(span), span.events) == (said, ())


def test_an_effect_is_named_after_its_natural_key_and_says_where_it_writes(recorded: Recorded) -> None:
    with spans.effect(PROPOSAL, "acme/platform/config") as span:
        spans.made(span, PROPOSAL, wrote=True, external_id="12")

    assert told(recorded.one("ensure_merge_request")) == {
        "sluice.subject": "app:acme/shop@staging",
        "sluice.tenant": "acme",
        "sluice.application": "shop",
        "deployment.environment.name": "staging",
        "sluice.effect": "merge-request:app:acme/shop@staging",
        "sluice.release": "1.2.3",
        "sluice.wrote": True,
        "vcs.provider.name": "gitlab",
        "vcs.owner.name": "acme/platform",
        "vcs.repository.name": "config",
        "vcs.change.id": "12",
    }


def test_a_status_says_which_commit_it_is_on(recorded: Recorded) -> None:
    gates = PublishGates(key=STAGING, sha="d" * 40, ref="r", pipeline_id=None, state="success", because="green")
    status = WriteCommitStatus(
        key=STAGING, project="acme/shop", sha="e" * 40, ref="r", pipeline_id=1, name="n", state="running", because="b"
    )

    for action in (gates, status):
        with spans.effect(action, "acme/config"):
            pass

    assert [told(span)["vcs.ref.head.revision"][:1] for span in recorded.named("ensure_status")] == ["d", "e"]


def test_git_is_a_client_whose_exit_code_counts_and_whose_address_is_without_suffix(recorded: Recorded) -> None:
    for code in (0, 128):
        with spans.remote_git("push", "https://gitlab.example/acme/config.git") as span:
            spans.exited(span, code)

    good, bad = recorded.named("git push")
    assert told(good) == {
        "process.executable.name": "git",
        "process.exit.code": 0,
        "vcs.repository.url.full": "https://gitlab.example/acme/config",
    }
    assert (good.status.status_code, bad.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert good.kind == SpanKind.CLIENT


def test_a_long_sentence_is_cut(recorded: Recorded) -> None:
    with spans.work(ConfigKey("acme"), because="x" * 10_000, attempt=0, traces=[]):
        pass

    assert len(told(recorded.one("work config"))["sluice.because"]) == spans.LONGEST_SENTENCE
