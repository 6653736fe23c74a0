"""Each effect looks before it writes, and judges a refusal only after it has looked again."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clients.budget import HostBudget
from bot.clients.gitlab import GitLabAPI, GitLabRefusal, effects
from bot.clients.gitlab.effects.merging import NEEDS_SOMEONE
from bot.clients.gitlab.effects.notes import marked
from bot.clock import SystemClock
from bot.errors import PermanentError, StaleError, TemporaryError

PROJECT = "acme/config"
HEAD, OTHER = "a" * 40, "b" * 40
BOT, PERSON = {"id": 7, "username": "sluice-bot"}, {"id": 8, "username": "developer"}
NOW = datetime.now(UTC)


class Scripted:
    """Answers per `METHOD path`, in turn, the last one for ever; every write it received."""

    def __init__(self) -> None:
        self.routes: dict[str, list[tuple[int, object]]] = {"GET /user": [(200, BOT)]}
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.queries: list[dict[str, str]] = []

    def on(self, route: str, *answers: object, status: int = 200) -> "Scripted":
        self.routes.setdefault(route, []).extend((status, answer) for answer in answers)
        return self

    async def handle(self, request: web.Request) -> web.Response:
        route = f"{request.method} {request.path.removeprefix('/api/v4').removeprefix(f'/projects/{PROJECT}')}"
        if request.method == "GET":
            self.queries.append(dict(request.query))
        else:
            self.writes.append((route, await request.json()))
            self.headers.append(dict(request.headers))
        answers = self.routes[route]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(status=status, text=json.dumps(body), content_type="application/json")


@pytest.fixture
async def gitlab() -> Scripted:
    return Scripted()


@pytest.fixture
async def api(gitlab: Scripted) -> AsyncIterator[GitLabAPI]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", gitlab.handle)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        yield GitLabAPI(str(server.make_url("/")), "token", session, HostBudget(per_minute=60_000), SystemClock())


def merge_request(**changes: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "id": 100,
        "iid": 5,
        "project_id": 1,
        "source_project_id": 1,
        "title": "Promote shop 2 to staging",
        "description": "why",
        "state": "opened",
        "source_branch": "sluice/staging/shop",
        "target_branch": "main",
        "author": BOT,
        "web_url": "https://gitlab.example.org/acme/config/-/merge_requests/5",
        "labels": ["sluice"],
        "sha": HEAD,
        "detailed_merge_status": "mergeable",
    }
    return usual | changes


WANTED = effects.WantedMergeRequest(
    source_branch="sluice/staging/shop",
    target_branch="main",
    title="Promote shop 2 to staging",
    description="why",
    labels=frozenset({"sluice"}),
)


async def test_a_merge_request_is_made_once(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests", []).on("POST /merge_requests", merge_request(), status=201)

    made = await effects.ensure_merge_request(api, PROJECT, WANTED)

    assert (made.external_id, made.wrote) == ("5", True)
    assert gitlab.writes[0][1]["labels"] == "sluice"
    assert gitlab.writes[0][1]["title"] == "Promote shop 2 to staging"


async def test_an_equal_merge_request_costs_no_write(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests", [merge_request(description="why\r\n", labels=["sluice", "urgent"])])

    found = await effects.ensure_merge_request(api, PROJECT, WANTED)

    assert (found.external_id, found.wrote) == ("5", False)
    assert gitlab.writes == []


async def test_only_what_differs_is_written(api: GitLabAPI, gitlab: Scripted) -> None:
    before = merge_request(title="Draft: Promote shop 1 to staging", labels=["sluice::blocked"])
    gitlab.on("GET /merge_requests", [before]).on("PUT /merge_requests/5", merge_request())
    wanted = effects.WantedMergeRequest(
        source_branch=WANTED.source_branch,
        target_branch="main",
        title=WANTED.title,
        description="why",
        labels=frozenset({"sluice"}),
        absent_labels=frozenset({"sluice::blocked", "sluice::stuck"}),
    )

    changed = await effects.ensure_merge_request(api, PROJECT, wanted)

    assert changed.wrote
    expected = {"title": WANTED.title, "add_labels": "sluice", "remove_labels": "sluice::blocked"}
    assert gitlab.writes == [("PUT /merge_requests/5", expected)]


async def test_who_loses_the_race_adopts_the_winners(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests", [], [merge_request()])
    gitlab.on("POST /merge_requests", {"message": ["Another open merge request already exists: !5"]}, status=409)

    adopted = await effects.ensure_merge_request(api, PROJECT, WANTED)

    assert (adopted.external_id, adopted.wrote) == ("5", False)


async def test_a_conflict_with_nothing_is_looked_at_again(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests", []).on("POST /merge_requests", {"message": ["Another open"]}, status=409)

    with pytest.raises(StaleError):
        await effects.ensure_merge_request(api, PROJECT, WANTED)


async def test_a_persons_merge_request_is_never_touched(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests", [merge_request(author=PERSON, title="mine")])
    gitlab.on("GET /merge_requests/5", merge_request(author=PERSON))

    with pytest.raises(PermanentError, match="opened by developer"):
        await effects.ensure_merge_request(api, PROJECT, WANTED)
    with pytest.raises(PermanentError, match="opened by developer"):
        await effects.ensure_merge_request_closed(api, PROJECT, 5)

    assert gitlab.writes == []


async def test_a_forks_branch_of_the_same_name_is_not_ours(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests", [merge_request(source_project_id=9, iid=4)])
    gitlab.on("POST /merge_requests", merge_request(), status=201)

    assert (await effects.ensure_merge_request(api, PROJECT, WANTED)).external_id == "5"


async def test_closing_is_done_once(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(), merge_request(state="closed"))
    gitlab.on("PUT /merge_requests/5", merge_request(state="closed"))

    assert (await effects.ensure_merge_request_closed(api, PROJECT, 5)).wrote
    assert not (await effects.ensure_merge_request_closed(api, PROJECT, 5)).wrote

    assert gitlab.writes == [("PUT /merge_requests/5", {"state_event": "close"})]


async def test_a_merge_names_the_head_it_was_judged_at(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests/5", merge_request())
    gitlab.on("PUT /merge_requests/5/merge", merge_request(state="merged", merge_commit_sha=OTHER))

    outcome = await effects.ensure_merged(api, PROJECT, 5, sha=HEAD, message="Merge\n\nSluice-Effect: m:5\n")

    assert outcome == effects.Merged(landed=OTHER, head=HEAD, wrote=True)
    assert gitlab.writes[0][1]["sha"] == HEAD


@pytest.mark.parametrize(
    ("fields", "landed"),
    [
        ({"merge_commit_sha": OTHER}, OTHER),
        ({"merge_commit_sha": None, "squash_commit_sha": OTHER}, OTHER),
        ({"merge_commit_sha": None, "squash_commit_sha": None}, HEAD),
    ],
)
async def test_what_is_merged_already_is_a_success(
    api: GitLabAPI, gitlab: Scripted, fields: dict[str, object], landed: str
) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(state="merged", **fields))

    assert await effects.ensure_merged(api, PROJECT, 5, sha=HEAD) == effects.Merged(
        landed=landed, head=HEAD, wrote=False
    )
    assert gitlab.writes == []


@pytest.mark.parametrize("status", [405, 406, 409, 422, 400])
async def test_a_refused_merge_that_did_happen_is_a_success(api: GitLabAPI, gitlab: Scripted, status: int) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(), merge_request(state="merged", merge_commit_sha=OTHER))
    gitlab.on("PUT /merge_requests/5/merge", {"message": "no"}, status=status)

    assert await effects.ensure_merged(api, PROJECT, 5, sha=HEAD) == effects.Merged(
        landed=OTHER, head=HEAD, wrote=False
    )


@pytest.mark.parametrize("status", [405, 422])
async def test_a_refusal_right_after_creation_means_not_yet(api: GitLabAPI, gitlab: Scripted, status: int) -> None:
    gitlab.on("GET /merge_requests/5", merge_request())
    gitlab.on("PUT /merge_requests/5/merge", {"message": "405 Method Not Allowed"}, status=status)

    outcome = await effects.ensure_merged(api, PROJECT, 5, sha=HEAD)

    assert isinstance(outcome, effects.NotYet)
    assert str(status) in outcome.because


async def test_a_push_during_the_merge_is_stale(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(), merge_request(sha=OTHER))
    gitlab.on("PUT /merge_requests/5/merge", {"message": "SHA does not match HEAD of source branch"}, status=409)

    with pytest.raises(StaleError, match="somebody pushed"):
        await effects.ensure_merged(api, PROJECT, 5, sha=HEAD)


async def test_another_head_is_never_offered_for_merging(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(sha=OTHER))

    with pytest.raises(StaleError):
        await effects.ensure_merged(api, PROJECT, 5, sha=HEAD)

    assert gitlab.writes == []


@pytest.mark.parametrize("status", [*sorted(NEEDS_SOMEONE)])
async def test_what_a_person_must_mend_is_refused_without_a_write(
    api: GitLabAPI, gitlab: Scripted, status: str
) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(detailed_merge_status=status))

    outcome = await effects.ensure_merged(api, PROJECT, 5, sha=HEAD)

    assert outcome == effects.Refused(status=status, because=NEEDS_SOMEONE[status])
    assert gitlab.writes == []


@pytest.mark.parametrize(
    "status", ["preparing", "unchecked", "checking", "approvals_syncing", "ci_still_running", "a_word_of_tomorrow", ""]
)
async def test_what_gitlab_is_still_judging_is_waited_for(api: GitLabAPI, gitlab: Scripted, status: str) -> None:
    gitlab.on("GET /merge_requests/5", merge_request(detailed_merge_status=status))

    assert isinstance(await effects.ensure_merged(api, PROJECT, 5, sha=HEAD), effects.NotYet)

    assert gitlab.writes == []


async def test_no_right_to_merge_is_said_as_such(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /merge_requests/5", merge_request())
    gitlab.on("PUT /merge_requests/5/merge", {"message": "401 Unauthorized"}, status=401)

    with pytest.raises(GitLabRefusal, match="may not merge into this branch"):
        await effects.ensure_merged(api, PROJECT, 5, sha=HEAD)


def row(state: str, **changes: object) -> dict[str, object]:
    usual: dict[str, object] = {"id": 1, "sha": HEAD, "status": state, "name": "sluice/staging", "author": BOT}
    return usual | {"ref": "main", "pipeline_id": 3} | changes


STATUSES = f"GET /repository/commits/{HEAD}/statuses"
POST_STATUS = f"POST /statuses/{HEAD}"


def wanted_status(state: Any = "running", **changes: Any) -> effects.WantedStatus:
    usual = {"sha": HEAD, "ref": "main", "name": "sluice/staging", "state": state, "pipeline_id": 3}
    return effects.WantedStatus(**(usual | changes))


async def test_a_status_is_written_with_its_ref_and_pipeline(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on(STATUSES, []).on(POST_STATUS, row("running"), status=201)

    done = await effects.ensure_commit_status(api, PROJECT, wanted_status(description="x" * 200))

    assert (done.external_id, done.wrote) == ("1", True)
    written = gitlab.writes[0][1]
    assert (written["ref"], written["pipeline_id"], written["state"]) == ("main", 3, "running")
    assert len(written["description"]) == 140


async def test_the_same_state_is_never_written_twice(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on(STATUSES, [row("failed", id=1), row("running", id=2), row("success", id=3, author=PERSON)])

    done = await effects.ensure_commit_status(api, PROJECT, wanted_status(description="another text"))

    assert (done.external_id, done.wrote) == ("2", False)
    assert gitlab.writes == []


async def test_a_status_of_another_pipeline_or_name_is_not_ours(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on(STATUSES, [row("running", pipeline_id=2), row("running", name="sluice/staging-eu")])
    gitlab.on(POST_STATUS, row("running"), status=201)

    assert (await effects.ensure_commit_status(api, PROJECT, wanted_status())).wrote


@pytest.mark.parametrize(("stands", "state"), [("success", "success"), ("running", "pending")])
async def test_a_transition_refused_because_it_is_there_already_is_a_success(
    api: GitLabAPI, gitlab: Scripted, stands: str, state: str
) -> None:
    gitlab.on(STATUSES, [], [row(stands)])
    gitlab.on(POST_STATUS, {"message": "Cannot transition status via :enqueue from :running"}, status=400)

    done = await effects.ensure_commit_status(api, PROJECT, wanted_status(state))

    assert (done.value.status, done.wrote) == (stands, False)


async def test_a_transition_that_can_never_be_is_not_tried_for_ever(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on(STATUSES, [row("pending")])
    gitlab.on(POST_STATUS, {"message": "Cannot transition status via :run from :pending"}, status=400)

    with pytest.raises(PermanentError, match="refuses to set the status"):
        await effects.ensure_commit_status(api, PROJECT, wanted_status("running"))

    assert len(gitlab.writes) == 1


async def test_gitlabs_lock_is_waited_for(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on(STATUSES, []).on(POST_STATUS, {"message": "another update in progress"}, status=409)

    with pytest.raises(TemporaryError) as locked:
        await effects.ensure_commit_status(api, PROJECT, wanted_status())

    assert locked.value.retry_after == timedelta(seconds=10)


async def test_statuses_of_one_commit_are_written_one_after_another(
    api: GitLabAPI, gitlab: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitlab.on(STATUSES, []).on(POST_STATUS, row("running"), status=201)
    inside, most = 0, 0

    async def watched(method: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside, most
        inside += method == "POST"
        most = max(most, inside)
        answer = await send(method, *args, **kwargs)
        inside -= method == "POST"
        return answer

    send = api.send
    monkeypatch.setattr(api, "send", watched)

    await asyncio.gather(*(effects.ensure_commit_status(api, PROJECT, wanted_status()) for _ in range(5)))

    assert most == 1


NOTES = "GET /merge_requests/5/notes"


def note(body: str, **changes: object) -> dict[str, object]:
    return {"id": 40, "body": body, "author": BOT, "system": False} | changes


async def test_one_sticky_note_is_made_and_then_kept(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on(NOTES, [], [note(marked("sluice:gates", "all green"))])
    gitlab.on("POST /merge_requests/5/notes", note("x"), status=201)

    first = await effects.ensure_note(api, PROJECT, 5, marker="sluice:gates", body="all green", chain="c-1")
    second = await effects.ensure_note(api, PROJECT, 5, marker="sluice:gates", body="all green\r\n")

    assert (first.wrote, second.wrote) == (True, False)
    assert gitlab.headers[0]["X-Gitlab-Event-UUID"] == "c-1"
    assert gitlab.writes[0][1]["body"].startswith("<!-- sluice:gates -->\n")


async def test_a_changed_note_is_updated_in_place(api: GitLabAPI, gitlab: Scripted) -> None:
    ours = [note(marked("sluice:gates", "red"), id=41), note(marked("sluice:gates", "red"), id=42)]
    gitlab.on(NOTES, ours).on("PUT /merge_requests/5/notes/41", note("green", id=41))

    assert (await effects.ensure_note(api, PROJECT, 5, marker="sluice:gates", body="green")).external_id == "41"

    assert "X-Gitlab-Event-UUID" not in gitlab.headers[0]


async def test_a_marker_in_a_persons_note_locates_nothing(api: GitLabAPI, gitlab: Scripted) -> None:
    forged = marked("sluice:gates", "all green")
    quoted = "> " + forged
    notes = [
        note(forged, author=PERSON),
        note(quoted, id=43),
        note(forged, system=True),
        note(marked("sluice:gates-2", "")),
    ]
    gitlab.on(NOTES, notes).on("POST /merge_requests/5/notes", note("x", id=50), status=201)

    assert (await effects.ensure_note(api, PROJECT, 5, marker="sluice:gates", body="all green")).external_id == "50"


@pytest.mark.parametrize("marker", ["a--b", "a -->", "", "a\nb", "-a", "a-"])
def test_a_marker_cannot_end_its_comment(marker: str) -> None:
    with pytest.raises(ValueError, match="no marker"):
        marked(marker, "body")


def deployment(**changes: object) -> dict[str, object]:
    usual: dict[str, object] = {"id": 9, "sha": HEAD, "status": "running", "user": BOT}
    environment = {"id": 2, "name": "staging"}
    return usual | {"environment": environment, "created_at": NOW.isoformat()} | changes


def wanted_deployment(status: Any = "running", **changes: Any) -> effects.WantedDeployment:
    usual = {"environment": "staging", "sha": HEAD, "ref": "v2", "tag": True, "status": status, "since": NOW}
    return effects.WantedDeployment(**(usual | changes))


@pytest.mark.parametrize(
    "others",
    [
        [],
        [{"sha": OTHER}],
        [{"user": PERSON}],
        [{"created_at": (NOW - timedelta(hours=1)).isoformat(), "status": "success"}],
    ],
)
async def test_a_promotion_makes_a_deployment_of_its_own(
    api: GitLabAPI, gitlab: Scripted, others: list[dict[str, object]]
) -> None:
    gitlab.on("GET /deployments", [deployment(**other) for other in others])
    gitlab.on("POST /deployments", deployment(id=10), status=201)

    done = await effects.ensure_deployment(api, PROJECT, wanted_deployment())

    assert (done.external_id, done.wrote) == ("10", True)
    assert gitlab.writes[0][1] == {"environment": "staging", "sha": HEAD, "ref": "v2", "tag": True, "status": "running"}


async def test_a_deployment_is_moved_on_and_never_back(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /deployments", [deployment()], [deployment(status="success")])
    gitlab.on("PUT /deployments/9", deployment(status="success"))

    assert (await effects.ensure_deployment(api, PROJECT, wanted_deployment("success"))).wrote
    assert not (await effects.ensure_deployment(api, PROJECT, wanted_deployment("success"))).wrote
    assert not (await effects.ensure_deployment(api, PROJECT, wanted_deployment("running"))).wrote

    assert gitlab.writes == [("PUT /deployments/9", {"status": "success"})]


async def test_a_known_deployment_is_not_searched_for(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /deployments/9", deployment(status="success"))

    assert not (await effects.ensure_deployment(api, PROJECT, wanted_deployment("success", known_id=9))).wrote


async def test_an_environment_is_made_or_mended(api: GitLabAPI, gitlab: Scripted) -> None:
    made = {"id": 2, "name": "staging", "tier": "staging"}
    gitlab.on("GET /environments", [], [made], [made])
    gitlab.on("POST /environments", made, status=201).on("PUT /environments/2", made | {"tier": "production"})

    assert (await effects.ensure_environment(api, PROJECT, "staging", tier="staging")).wrote
    assert not (await effects.ensure_environment(api, PROJECT, "staging", tier="staging")).wrote
    assert (await effects.ensure_environment(api, PROJECT, "staging", tier="production")).wrote

    assert gitlab.writes[-1] == ("PUT /environments/2", {"tier": "production"})


async def test_an_environment_made_in_between_is_taken(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /environments", [], [{"id": 2, "name": "staging"}])
    gitlab.on("POST /environments", {"message": {"name": ["has already been taken"]}}, status=400)

    assert not (await effects.ensure_environment(api, PROJECT, "staging")).wrote


async def test_only_missing_labels_are_made(api: GitLabAPI, gitlab: Scripted) -> None:
    gitlab.on("GET /labels", [{"name": "sluice", "color": "#fff"}]).on("POST /labels", {"name": "x"}, status=201)
    wanted = [effects.WantedLabel(name=name, color="#428BCA") for name in ("sluice", "sluice::rollback")]

    made = await effects.ensure_labels(api, PROJECT, wanted)

    assert made.value == ("sluice::rollback",)
    assert len(gitlab.writes) == 1
