"""A running bot's spans: what a delivery causes stays one trace, over the queue and from key to key."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import format_trace_id
from recorded_spans import Recorded, record_spans, told
from running import Running, running, until

from bot.keys import EnvironmentKey
from bot.tracing.carried import trace_id

STAGING = EnvironmentKey("demo", "demo-service", "staging")


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """All spans, though nothing here records the requests that deliveries come by."""
    return record_spans(monkeypatch, ALWAYS_ON)


@pytest.fixture
async def world(tmp_path: Path, everything: Recorded) -> AsyncIterator[Running]:
    """A bot beside a sandbox, adopted."""
    async with running(tmp_path) as found:
        await found.adopt()
        yield found


async def test_a_merge_request_is_opened_in_the_trace_of_what_caused_it(world: Running, everything: Recorded) -> None:
    await world.sandbox.release("1.1.0")

    async def opened() -> ReadableSpan | None:
        spans = everything.named("ensure_merge_request")
        return next((span for span in spans if told(span).get("sluice.wrote")), None)

    ensured = await until(opened, "a merge request was opened")

    async def ended() -> bool:
        return len(everything.above(ensured)) >= 2

    await until(ended, "its run ended")
    run, work, *further = everything.above(ensured)
    assert (run.name, work.name) == ("run promotion", "work application")
    assert {span.name for span in further} <= {"run sources", "work source", "run configuration", "work config"}
    assert told(ensured)["vcs.change.id"] == "1"
    assert [span.name for span in everything.all if span.parent == ensured.context] == ["git push"]


async def test_runs_and_promotions_name_their_trace_where_people_look(world: Running, everything: Recorded) -> None:
    await world.sandbox.release("1.1.0")
    journal = world.app.machine.worker.journal

    async def begun() -> str:
        marks = await journal.promotion_marks(STAGING)
        return next((mark.trace for mark in marks if mark.release == "1.1.0"), "")

    began = trace_id(await until(begun, "a promotion into staging began"))
    why = await world.api("why?application=demo-service&environment=staging")

    async def known() -> bool:
        runs = (await world.api(f"runs?subject={STAGING}&handler=promotion"))["runs"]
        spans = [one.context for one in everything.named("run promotion") if one.context]
        return began in {run["trace"] for run in runs} & {format_trace_id(one.trace_id) for one in spans}

    await until(known, "the journal and the spans name the run's trace")
    assert why["trace"] == began
