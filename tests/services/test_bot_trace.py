"""What Jaeger shows of a promotion: one trace from webhook to merge request, and the promotion's others with it.

The bot runs as its Deployment runs it, with what the operator injects; GitLab, registry and cluster are the sandbox.
"""

import asyncio
import json
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import service_builds
from jaeger_traces import ARRIVAL_SECONDS, Jaeger, Span, Trace
from local_process import eventually
from receiving import signed_by_gitlab
from running import quieter, until
from running_promotions import release, until_told
from running_traced_bot import NAME, TracedBot, adopt, running_traced_bot
from shown_at_the_end import Shown
from tracing_stack import TracingStack

VERSION = "1.1.0"
PROPOSED = "merge-request:app:demo/demo-service@staging"
SENDERS = {
    "recorded": "00-11111111111111111111111111111111-2222222222222222-01",
    "unrecorded": "00-33333333333333333333333333333333-4444444444444444-00",
    "nonsense": "00-none-of-this-is-hexadecimal-01",
}
QUIET = 4.0
"""Seconds; longer than the bot leaves between two looks at something that is about to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A release was promoted into staging and taken back there by a person. promotion: its id.

    traces: what the bot says of each of its deliveries, by their ids. sent: the ids under which it took deliveries that
    came with the traceparents of SENDERS. secrets: what it was given to keep. log: all that it wrote.
    """

    promotion: str
    traces: dict[str, str]
    sent: dict[str, str]
    secrets: list[str]
    log: str


@pytest.fixture(scope="module")
def story(tracing_stack: TracingStack, shown: Shown, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Live through it once, with all spans sent at the end."""
    injected, build = service_builds.python_instrumentation()
    shown.builds.append(build)
    folder = tmp_path_factory.mktemp("bot")
    with quieter():
        return asyncio.run(lived_through(folder, injected, tracing_stack.otlp_http))


async def lived_through(folder: Path, injected: Path, collector: str) -> Story:
    async with running_traced_bot(folder, injected=injected, collector=collector) as bot:
        await adopt(bot)
        await bot.until_idle()
        await until_told(bot, await release(bot, VERSION), "staging")
        await bot.until_idle()
        await taken_back(bot)
        sent = {name: await deliver(bot, name, header) for name, header in SENDERS.items()}
        deliveries = (await bot.api("deliveries?limit=500"))["deliveries"]
        found = {one["id"]: (await bot.api(f"deliveries/{one['id']}"))["trace"] for one in deliveries}
        promotion = (await promotion_of(bot))["id"]
        names = ("token", "signing_token", "flux_secret", "flagger_token", "registry_password", "registry_hook_token")
        secrets = [str(bot.facts[name]) for name in names]
    return Story(promotion=promotion, traces=found, sent=sent, secrets=secrets, log=bot.process.log)


async def promotion_of(bot: TracedBot) -> dict[str, Any]:
    environments = (await bot.api("status"))["environments"]
    (found,) = [one["promotion"] for one in environments if one["environment"] == "staging"]
    return dict(found)


async def taken_back(bot: TracedBot) -> None:
    # Work that is under way when somebody asks picks the request up as what it is: not made for it, in another trace.
    await until_quiet(bot)
    await bot.api("rollbacks", "POST", application="demo-service", environment="staging", reason="a test", deny=True)

    async def back() -> bool:
        return bool((await promotion_of(bot))["state"] == "rolled_back")

    await until(back, "the release is taken back")


async def until_quiet(bot: TracedBot) -> None:
    """Wait until the bot has decided nothing for some seconds."""
    loop = asyncio.get_running_loop()
    before, since = "", 0.0

    async def quiet() -> bool:
        nonlocal before, since
        now = json.dumps(await bot.api("runs?limit=10"))
        if now != before:
            before, since = now, loop.time()
        return loop.time() - since > QUIET

    await until(quiet, "the bot has nothing to do")


async def deliver(bot: TracedBot, name: str, traceparent: str) -> str:
    body = json.dumps({"object_kind": "emoji", "about": name}).encode()
    signed = signed_by_gitlab(
        body, secret=str(bot.facts["signing_token"]), at=datetime.now(UTC), message_id=f"traced-{name}"
    )
    headers = {**signed, "X-Gitlab-Event": "Emoji Hook", "traceparent": traceparent, "baggage": "leaks=on"}
    async with bot.session.post(f"{bot.url}/hooks/gitlab", data=body, headers=headers) as response:
        assert response.status == 202, await response.text()
        return str((await response.json())["id"])


@pytest.fixture(scope="module")
def proposal(tracing_stack: TracingStack, story: Story, shown: Shown) -> Trace:
    """The trace in which the merge request into staging was opened."""

    def opens(trace: Trace) -> bool:
        spans = [span for span in trace.spans if span.tags.get("sluice.effect") == PROPOSED]
        return any(span.tags["sluice.wrote"] for span in spans) and len(trace.roots) == 1

    found = tracing_stack.jaeger.waited_for(NAME, opens)
    shown.trace("a promotion's merge request, from the webhook on (runs that write)", what_writes(found))
    return found


def test_one_trace_leads_from_the_webhook_to_the_merge_request(story: Story, proposal: Trace) -> None:
    (ensured,) = [span for span in proposal.spans if span.tags.get("sluice.effect") == PROPOSED]
    (webhook,) = proposal.roots
    path = [span.name for span in proposal.above(ensured)]
    below = proposal.children_of(ensured)

    assert (ensured.name, ensured.failed) == ("ensure_merge_request", False)
    assert path[:2] == ["run promotion", "work application"]
    assert set(path[2:-1]) <= {"run sources", "work source", "run configuration", "work config"}
    assert (webhook.kind, webhook.name.partition("/hooks/")[0]) == ("server", "POST ")
    assert [span.name for span in below] == ["git push", "GET", "POST"]
    assert {span.kind for span in below} == {"client"}
    assert str(below[-1].tags["url.full"]).endswith("/demo%2Fflux-config/merge_requests")
    assert below[-1].tags["http.response.status_code"] == 201


def test_the_run_tells_what_it_decided_of_which_promotion(story: Story, proposal: Trace) -> None:
    (ensured,) = [span for span in proposal.spans if span.tags.get("sluice.effect") == PROPOSED]
    run = next(iter(proposal.above(ensured)))
    told = {name: run.tags.get(name) for name in ("sluice.application", "deployment.environment.name")}

    assert [span.name for span in proposal.children_of(run)] == ["observe", "decide", "ensure_merge_request"]
    assert told == {"sluice.application": "demo-service", "deployment.environment.name": "staging"}
    assert (run.tags["sluice.promotion"], run.tags["sluice.release"]) == (story.promotion, VERSION)
    assert (run.tags["sluice.decision"], run.tags["sluice.outcome"]) == ("act", "done")
    assert (ensured.tags["vcs.repository.name"], ensured.tags["vcs.change.id"]) == ("flux-config", "1")


def test_the_bot_and_its_log_name_the_same_trace_as_jaeger(story: Story, proposal: Trace) -> None:
    (webhook,) = proposal.roots
    lines = [json.loads(line) for line in story.log.splitlines() if line.startswith("{")]
    said = [line for line in lines if line["event"] == "made so" and line["effect"] == PROPOSED]

    assert story.traces[webhook.tags["sluice.delivery"]][3:35] == proposal.trace_id
    assert said[0]["trace_id"] == proposal.trace_id


def test_all_that_moved_a_promotion_is_found_by_its_id_and_links_where_it_began(
    tracing_stack: TracingStack, story: Story, proposal: Trace, shown: Shown
) -> None:
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        found[:] = searched(tracing_stack.jaeger, "sluice.promotion", story.promotion)
        return moved_to(found, story.promotion) >= {"ready", "done", "rolled_back"}

    assert eventually(arrived, seconds=ARRIVAL_SECONDS), moved_to(found, story.promotion)
    began = min(found, key=lambda one: min(span["startTime"] for span in one["spans"]))
    others = [one for one in found if one is not began]
    assert others
    shown.trees["the states a promotion was moved to, by the traces that Jaeger finds by its id"] = [
        f"{one['traceID']}  {', '.join(sorted(moved_to([one], story.promotion))) or 'told about it'}" for one in found
    ]
    assert [one["traceID"] for one in others if began["traceID"] not in linked_from(one, story.promotion)] == []


def test_a_persons_command_is_one_trace_to_the_commit_that_takes_the_release_back(
    tracing_stack: TracingStack, story: Story, shown: Shown
) -> None:
    def takes_back(trace: Trace) -> bool:
        return any(span.name == "ensure_rollback" and span.tags["sluice.wrote"] for span in trace.spans)

    trace = tracing_stack.jaeger.waited_for(NAME, takes_back)
    shown.trace("a person's rollback (runs that write)", what_writes(trace))
    (ensured,) = [span for span in trace.spans if span.name == "ensure_rollback"]

    assert [span.name for span in trace.above(ensured)][-1] == "POST /api/v1/rollbacks"
    assert "git push" in [span.name for span in trace.children_of(ensured)]


@pytest.mark.parametrize("name", ["recorded", "unrecorded"])
def test_a_senders_trace_is_linked_and_neither_continued_nor_obeyed(
    tracing_stack: TracingStack, story: Story, name: str
) -> None:
    theirs = SENDERS[name][3:35]
    document = by_tag(tracing_stack.jaeger, "sluice.delivery", story.sent[name])
    (span,) = document["spans"]

    assert document["traceID"] == story.traces[story.sent[name]][3:35] != theirs
    assert [(one["refType"], one["traceID"]) for one in span["references"]] == [("FOLLOWS_FROM", theirs)]


def test_a_sender_without_a_readable_trace_links_nothing(tracing_stack: TracingStack, story: Story) -> None:
    (span,) = by_tag(tracing_stack.jaeger, "sluice.delivery", story.sent["nonsense"])["spans"]

    assert span.get("references", []) == []


def test_spans_are_about_work_alone_and_hold_no_secret(
    tracing_stack: TracingStack, story: Story, proposal: Trace
) -> None:
    raw = json.dumps(tracing_stack.jaeger.raw(NAME))
    names = {span.name for trace in tracing_stack.jaeger.traces(NAME) for span in trace.spans}
    expected = ("GET", "HEAD", "POST", "PUT", "git ", "work ", "run ", "ensure_")

    assert {name for name in names if not name.startswith(expected)} <= {"observe", "decide", "promotion"}
    assert not {name for name in names if "healthz" in name or "readyz" in name or "metrics" in name}
    assert "leaks" not in raw
    assert [number for number, secret in enumerate(story.secrets) if secret in raw] == []


def what_writes(trace: Trace) -> Trace:
    """Without the runs that only looked: they are most of a trace, and say little to who reads its tree."""
    kept: list[Span] = []
    for effect in (span for span in trace.spans if span.name.startswith("ensure_")):
        run, *further = trace.above(effect)
        kept += [run, *further, *trace.children_of(run), *trace.children_of(effect)]
    return replace(trace, spans=tuple(span for span in trace.spans if span in kept))


def by_tag(jaeger: Jaeger, name: str, value: str) -> dict[str, Any]:
    """The one trace with this attribute, as Jaeger says it; waited for."""
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        found[:] = searched(jaeger, name, value)
        return bool(found)

    assert eventually(arrived, seconds=ARRIVAL_SECONDS), f"no trace with {name}={value}"
    (one,) = found
    return one


def searched(jaeger: Jaeger, name: str, value: str) -> list[dict[str, Any]]:
    """What Jaeger's search for an attribute finds."""
    end = int(time.time() * 1_000_000)
    query = {
        "service": NAME,
        "tags": json.dumps({name: value}),
        "limit": "100",
        "start": str(end - 3_600_000_000),
        "end": str(end),
    }
    with urllib.request.urlopen(f"{jaeger.url}/api/traces?{urllib.parse.urlencode(query)}", timeout=30) as response:
        return list(json.load(response)["data"] or [])


def about(document: dict[str, Any], promotion: str) -> list[dict[str, Any]]:
    """The spans of a trace that name the promotion."""
    return [span for span in document["spans"] if values(span).get("sluice.promotion") == promotion]


def values(span: dict[str, Any]) -> dict[str, Any]:
    """Its attributes."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def moved_to(found: list[dict[str, Any]], promotion: str) -> set[str]:
    """The states that runs of these traces brought the promotion to."""
    states = {values(span).get("sluice.promotion.state") for one in found for span in about(one, promotion)}
    return {str(state) for state in states if state}


def linked_from(document: dict[str, Any], promotion: str) -> set[str]:
    """The traces that the promotion's spans of a trace link."""
    references = [one for span in about(document, promotion) for one in span["references"]]
    return {one["traceID"] for one in references if one["refType"] == "FOLLOWS_FROM"}
