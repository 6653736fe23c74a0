"""People are told on a real GitLab: an incident, two notes, and nothing at all in a thread that grows too fast."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from acting_cases import CONFIG, KEY, SOURCE, Stage, failure, open_stage
from structlog.testing import capture_logs
from yarl import URL

from bot.acting import breaker
from bot.actions import ClosePromotion, OpenIncident, Reply, TellPromotion, TellSource, WriteSticky
from bot.answers import Told
from bot.clients.gitlab import api
from bot.clients.gitlab.effects.notes import CHAIN_HEADER
from bot.clients.gitlab.transport import Answer, exchange
from bot.commanded import Place
from bot.errors import TemporaryError
from bot.keys import CommandKey
from bot.releases import Release
from bot.sandbox.gitlab.records import Note
from bot.tenants import Tenants


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


def incident(stage: Stage, **changes: object) -> OpenIncident:
    wanted = OpenIncident(
        key=KEY,
        release=stage.release("1.1.0"),
        back_to=stage.release("1.0.0"),
        failure=failure(),
        taken_back=True,
        people=("maintainer",),
        merge_request=None,
        because="the canary of 1.1.0 failed in production",
    )
    return replace(wanted, **changes)  # type: ignore[arg-type]


def told(stage: Stage, iid: int, release: Release | None = None) -> TellPromotion:
    return TellPromotion(
        key=KEY,
        merge_request=iid,
        release=release or stage.release("1.1.0"),
        back_to=stage.release("1.0.0"),
        failure=failure(),
        because="the canary of 1.1.0 failed in production",
    )


def told_source(stage: Stage, commit: str) -> TellSource:
    return TellSource(
        key=KEY,
        project=SOURCE,
        release=replace(stage.release("1.1.0"), commit=commit),
        back_to=stage.release("1.0.0"),
        failure=failure(),
        because="the canary of 1.1.0 failed in production",
    )


async def opened(stage: Stage) -> int:
    """A merge request of ours to talk on."""
    await stage.perform(stage.rollback(way="merge_request"))
    (request,) = stage.requests("opened")
    return request.iid


def notes(stage: Stage, iid: int) -> list[Note]:
    return [note for note in stage.config.merge_requests[iid].notes if not note.system]


async def test_one_incident_tells_what_happened_and_what_to_do(stage: Stage) -> None:
    first = await stage.perform(incident(stage))
    again = await stage.perform(incident(stage))

    (issue,) = stage.config.issues.values()
    assert (first.effects, again.effects) == ((incident(stage).effect_key,), ())
    assert issue.title == "shop 1.1.0 was taken back from production"
    assert issue.issue_type == "incident"
    for words in (
        "Git says **1.0.0** there again",
        "its canary failed on 2026-11-01 12:00 UTC: success rate 50.00",
        '`sluice allow shop production 1.1.0 --reason "…"`',
        "@maintainer: please look.",
    ):
        assert words in issue.description


async def test_an_incident_goes_on_when_a_person_took_the_release_back(stage: Stage) -> None:
    await stage.perform(incident(stage, taken_back=False, because="four others failed within an hour"))
    (issue,) = stage.config.issues.values()
    before = (issue.title, issue.description)

    await stage.perform(incident(stage))

    assert before[0] == "shop 1.1.0 failed in production: a person decides"
    assert '`sluice rollback shop production --reason "…"`' in before[1]
    assert list(stage.config.issues) == [issue.iid]
    assert issue.title == "shop 1.1.0 was taken back from production"


async def test_issues_that_are_switched_off_stop_nothing_else(stage: Stage) -> None:
    iid = await opened(stage)
    stage.config.issues_enabled = False

    outcome = await stage.perform(incident(stage), told(stage, iid))

    assert outcome.effects == (told(stage, iid).effect_key,)
    assert len(notes(stage, iid)) == 1


async def test_a_gitlab_that_is_away_is_waited_for(stage: Stage) -> None:
    iid = await opened(stage)
    await stage.gitlab.stop()

    with pytest.raises(TemporaryError):
        await asyncio.wait_for(stage.perform(told(stage, iid)), 60)


async def test_the_promotions_merge_request_says_that_it_was_taken_back(stage: Stage) -> None:
    iid = await opened(stage)

    await stage.perform(told(stage, iid))
    await stage.perform(told(stage, iid))

    (note,) = notes(stage, iid)
    assert "### ↩️ shop 1.1.0 was taken back from production" in note.body
    assert "Git says 1.0.0 there again" in note.body


async def test_the_merge_request_that_brought_the_commit_is_told(stage: Stage) -> None:
    await stage.gitlab.commit_files(stage.source, "main", {"a.txt": "1"}, "Start", stage.person)
    sha = await stage.gitlab.commit_files(stage.source, "feature", {"a.txt": "2"}, "Greet", stage.person)
    token = stage.gitlab.create_token(stage.person, ("api",))
    await _request(stage, token)

    first = await stage.perform(told_source(stage, sha))
    again = await stage.perform(told_source(stage, sha))

    (request,) = stage.source.merge_requests.values()
    (note,) = [one for one in request.notes if not one.system]
    assert (len(first.effects), len(again.effects)) == (1, 0)
    assert "was taken back from production" in note.body


async def test_a_project_that_the_operator_no_longer_grants_is_told_nothing(stage: Stage) -> None:
    await stage.gitlab.commit_files(stage.source, "main", {"a.txt": "1"}, "Start", stage.person)
    sha = await stage.gitlab.commit_files(stage.source, "feature", {"a.txt": "2"}, "Greet", stage.person)
    await _request(stage, stage.gitlab.create_token(stage.person, ("api",)))
    granted = stage.tenants.get("acme")
    assert granted is not None
    tenants = Tenants([replace(granted, projects=("acme/other",))])
    tenants.learn("acme", stage.tenants.policy("acme"))
    stage.executor.tenants = tenants

    with capture_logs() as logs:
        outcome = await stage.perform(told_source(stage, sha))

    (request,) = stage.source.merge_requests.values()
    assert (outcome.effects, [note for note in request.notes if not note.system]) == ((), [])
    (refusal,) = [line["because"] for line in logs if line["event"] == "not told"]
    assert f"the operator does not grant {SOURCE} to acme" in refusal


async def _request(stage: Stage, token: str) -> None:
    async with aiohttp.ClientSession(headers={"PRIVATE-TOKEN": token}) as session:
        body = {"source_branch": "feature", "target_branch": "main", "title": "Greet"}
        url = f"{stage.gitlab.url}/api/v4/projects/acme%2Fshop/merge_requests"
        async with session.post(url, json=body) as answer:
            assert answer.status == 201, await answer.text()


@pytest.mark.parametrize("commit", ["", "b" * 40])
async def test_a_commit_without_a_merge_request_is_told_nowhere(stage: Stage, commit: str) -> None:
    outcome = await stage.perform(told_source(stage, commit))

    assert outcome.effects == ()


def more(stage: Stage, iid: int, count: int) -> list[TellPromotion]:
    """Notes with natural keys of their own."""
    return [told(stage, iid, stage.release(f"2.{number}.0")) for number in range(count)]


async def test_a_thread_that_grows_too_fast_goes_quiet_and_says_so_once(stage: Stage) -> None:
    iid = await opened(stage)

    outcome = await stage.perform(*more(stage, iid, 9))

    said = notes(stage, iid)
    assert len(outcome.effects) == breaker.MOST_NOTES
    assert len(said) == breaker.MOST_NOTES + 1
    assert "says no more for a while" in said[-1].body


def answer(stage: Stage, iid: int, number: int) -> Reply:
    asked = notes(stage, iid)[0]
    place = Place(
        door="note",
        thread=f"{CONFIG}:merge_request:{iid}",
        message=f"{number}",
        project=CONFIG,
        noteable="merge_request",
        iid=iid,
        note=asked.id,
        discussion=asked.discussion_id,
    )
    return Reply(
        key=CommandKey(tenant=KEY.tenant, thread=place.thread),
        command=f"command{number}",
        place=place,
        answer=Told(because="nothing was changed"),
        public=True,
        because="somebody asked",
    )


async def test_a_thread_that_asks_too_much_is_told_once_that_no_answer_comes(stage: Stage) -> None:
    iid = await opened(stage)
    await stage.perform(told(stage, iid))

    outcome = await stage.perform(*(answer(stage, iid, number) for number in range(9)))

    said = [note.body for note in notes(stage, iid)[1:]]
    assert len(outcome.effects) == breaker.MOST_NOTES
    assert len(said) == breaker.MOST_NOTES + 1
    assert "says no more for a while" in said[-1]


async def test_a_quiet_thread_keeps_its_notes_current(stage: Stage) -> None:
    iid = await opened(stage)
    sticky = WriteSticky(
        key=KEY, merge_request=iid, release=stage.release("1.1.0"), state="ready", gates=(), because="it is ready"
    )
    await stage.perform(sticky)
    await stage.perform(*more(stage, iid, 6))
    count = len(notes(stage, iid))

    outcome = await stage.perform(replace(sticky, state="done", because="it runs"))

    assert outcome.effects == (sticky.effect_key,)
    assert len(notes(stage, iid)) == count
    assert any("runs and is healthy in production" in note.body for note in notes(stage, iid))


async def test_a_quiet_thread_does_not_keep_a_merge_request_open(stage: Stage) -> None:
    iid = await opened(stage)
    await stage.perform(*more(stage, iid, 6))

    await stage.perform(ClosePromotion(key=KEY, merge_request=iid, because="nobody needs it", instead=None))

    assert stage.config.merge_requests[iid].state == "closed"


async def test_other_threads_are_not_quiet(stage: Stage) -> None:
    iid = await opened(stage)
    await stage.perform(*more(stage, iid, 6))
    await stage.gitlab.commit_files(stage.source, "main", {"a.txt": "1"}, "Start", stage.person)
    sha = await stage.gitlab.commit_files(stage.source, "feature", {"a.txt": "2"}, "Greet", stage.person)
    await _request(stage, stage.gitlab.create_token(stage.person, ("api",)))

    outcome = await stage.perform(told_source(stage, sha))

    assert len(outcome.effects) == 1


async def test_a_thread_may_be_talked_on_again_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    iid = await opened(stage)
    await stage.perform(*more(stage, iid, 6))
    monkeypatch.setattr(breaker, "WITHIN", timedelta())

    outcome = await stage.perform(told(stage, iid, stage.release("3.0.0")))

    assert len(outcome.effects) == 1


async def test_no_write_of_an_effect_names_the_hook_that_led_to_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    named: list[str] = []

    async def recorded(
        session: aiohttp.ClientSession, method: str, url: URL, *, headers: Mapping[str, str], body: bytes, within: float
    ) -> Answer:
        sent.append(method)
        named.extend(name for name in headers if name.lower() == CHAIN_HEADER.lower())
        return await exchange(session, method, url, headers=headers, body=body, within=within)

    monkeypatch.setattr(api, "exchange", recorded)

    await stage.perform(incident(stage), told(stage, await opened(stage)))

    assert sent.count("POST") == 3
    assert named == []
