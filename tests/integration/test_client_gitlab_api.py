"""The GitLab client against a server that misbehaves in every way GitLab and the proxies before it do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clients.budget import HostBudget, Priority
from bot.clients.gitlab import GitLabAPI, GitLabRefusal, reads
from bot.clients.gitlab.models import User
from bot.clock import SystemClock
from bot.errors import PermanentError, StaleError, TemporaryError

TOKEN = "glpat-only-for-this-test"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
USER = {"id": 7, "username": "sluice-bot"}


class Script:
    """A server that gives the scripted answers in turn, the last one for ever, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Handler] = []
        self.requests: list[web.Request] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    def then(self, status: int = 200, body: object = USER, **headers: str) -> "Script":
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, str) else json.dumps(body)

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, text=text, content_type="application/json", headers=sent)

        self.answers.append(answer)
        return self

    def then_do(self, handler: Handler) -> "Script":
        self.answers.append(handler)
        return self


class Impatient(GitLabAPI):
    """Notes how long it was to sleep, and does not."""

    slept: list[float]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    made = Script()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.handle)
    async with TestServer(application) as server:
        made.url = str(server.make_url("/"))
        yield made


@pytest.fixture
async def api(script: Script) -> AsyncIterator[Impatient]:
    async with aiohttp.ClientSession() as session:
        made = Impatient(script.url, TOKEN, session, HostBudget(per_minute=60_000), SystemClock())
        made.slept = []
        yield made


async def test_the_token_and_the_program_are_in_the_headers(script: Script, api: Impatient) -> None:
    script.then()

    user = await reads.own_user(api)

    assert user == User(id=7, username="sluice-bot")
    assert script.requests[0].path == "/api/v4/user"
    assert script.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert script.requests[0].headers["User-Agent"].startswith("Sluice/")


async def test_who_the_token_is_is_asked_once(script: Script, api: Impatient) -> None:
    script.then()

    await reads.own_user(api)
    await reads.own_user(api.bound(priority=Priority.ROLLBACK))

    assert len(script.requests) == 1


async def test_a_project_path_is_quoted_as_one_part(script: Script, api: Impatient) -> None:
    script.then(body={"id": 1, "path_with_namespace": "acme/shop", "web_url": "https://gitlab.example.org/acme/shop"})

    await reads.project(api, "acme/shop")

    assert script.requests[0].raw_path == "/api/v4/projects/acme%2Fshop"


async def test_a_read_is_sent_again_after_a_breakdown(script: Script, api: Impatient) -> None:
    script.then(502, "<html>bad gateway</html>").then(500, "[]").then(503, "").then()

    assert (await reads.own_user(api)).id == 7

    assert len(api.slept) == 3
    assert api.slept[0] < api.slept[2]
    assert api.traffic.retries == 3
    assert api.traffic.broken == 3


async def test_a_read_is_given_up_after_three_retries(script: Script, api: Impatient) -> None:
    script.then(500, '{"message":"500 Internal Server Error"}')

    with pytest.raises(TemporaryError, match="answered 500"):
        await reads.own_user(api)

    assert len(script.requests) == 4


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_write_is_never_sent_twice_after_a_breakdown(script: Script, api: Impatient, status: int) -> None:
    script.then(status, "oops")

    with pytest.raises(TemporaryError):
        await api.write("POST", "user", User, feature="user", data={})

    assert len(script.requests) == 1
    assert api.traffic.writes == 1


async def test_a_dropped_connection_is_temporary_and_reads_try_again(script: Script, api: Impatient) -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    script.then_do(drop).then()
    assert (await reads.own_user(api)).id == 7

    script.answers = [drop]
    with pytest.raises(TemporaryError, match="cannot be reached"):
        await api.write("POST", "user", User, feature="user", data={})
    assert len(script.requests) == 3


async def test_a_server_that_is_not_there_is_temporary(api: Impatient, unused_tcp_port: int) -> None:
    gone = Impatient(
        f"http://127.0.0.1:{unused_tcp_port}", TOKEN, api._session, HostBudget(per_minute=60_000), SystemClock()
    )
    gone.slept = []

    with pytest.raises(TemporaryError, match="cannot be reached"):
        await reads.own_user(gone)


async def test_a_hanging_server_is_left_at_the_deadline(script: Script, api: Impatient) -> None:
    release = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    script.then_do(hang)
    hurried = api.bound(deadline=datetime.now(UTC) + timedelta(seconds=0.3))

    with pytest.raises(TemporaryError, match="did not answer"):
        await reads.own_user(hurried)

    release.set()


async def test_a_deadline_in_the_past_sends_nothing(script: Script, api: Impatient) -> None:
    script.then()
    late = api.bound(deadline=datetime.now(UTC) - timedelta(seconds=1))

    with pytest.raises(TemporaryError, match="deadline"):
        await reads.own_user(late)

    assert script.requests == []


async def test_a_short_429_is_waited_out_for_reads_and_writes(script: Script, api: Impatient) -> None:
    limit = {"RateLimit_Remaining": "9", "RateLimit_Reset": "1"}
    script.then(429, "Retry later", Retry_After="2", **limit).then().then(
        429, "Retry later", Retry_After="3", **limit
    ).then()

    await reads.own_user(api)
    await api.write("POST", "user", User, feature="user", data={})

    assert api.slept == [2.0, 3.0]
    assert api.traffic.throttled == 2


async def test_a_long_429_says_when_to_come_back_and_holds_everybody(script: Script, api: Impatient) -> None:
    script.then(429, "Retry later", Retry_After="90").then()

    with pytest.raises(TemporaryError) as throttled:
        await reads.own_user(api)
    with pytest.raises(TemporaryError, match="budget of this host is spent"):
        await reads.metadata(api)

    assert throttled.value.retry_after == timedelta(seconds=90)
    assert len(script.requests) == 1
    assert api.slept == []


async def test_an_exhausted_limit_holds_the_next_request_before_it_is_refused(script: Script, api: Impatient) -> None:
    reset = str(int(datetime.now(UTC).timestamp()) + 300)
    script.then(RateLimit_Remaining="0", RateLimit_Reset=reset)

    await reads.own_user(api)
    with pytest.raises(TemporaryError) as held:
        await reads.metadata(api)

    assert held.value.retry_after is not None
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, ""),
        (403, "[]"),
        (404, "<html>"),
        (405, '"x"'),
        (409, '{"message":null}'),
        (422, '{"errors":[{}]}'),
        (400, "{"),
    ],
)
async def test_a_refusal_keeps_its_status_whatever_its_body(
    script: Script, api: Impatient, status: int, body: str
) -> None:
    script.then(status, body)

    with pytest.raises(GitLabRefusal) as refused:
        await reads.own_user(api)

    assert refused.value.status == status
    assert len(script.requests) == 1


async def test_an_echoed_token_is_not_repeated(script: Script, api: Impatient) -> None:
    script.then(403, {"message": f"token {TOKEN} may not"})

    with pytest.raises(GitLabRefusal) as refused:
        await reads.own_user(api)

    assert TOKEN not in str(refused.value)
    assert TOKEN not in refused.value.text


async def test_redirects_are_not_followed(script: Script, api: Impatient) -> None:
    script.then(301, "", Location="https://elsewhere.example.org/api/v4/user")

    with pytest.raises(PermanentError, match="has moved"):
        await reads.own_user(api)

    assert len(script.requests) == 1


async def test_a_maintenance_page_with_status_200_is_temporary(script: Script, api: Impatient) -> None:
    script.then(200, "<html>We will be back</html>")

    with pytest.raises(TemporaryError, match=r"not JSON.*maintenance"):
        await api.write("POST", "user", User, feature="user", data={})


async def test_another_shape_than_expected_needs_a_person(script: Script, api: Impatient) -> None:
    script.then(200, {"id": "seven", "username": "bot"})

    with pytest.raises(PermanentError, match=r"another shape.*\$\.id"):
        await reads.own_user(api)


async def test_a_404_is_none_where_that_is_an_answer(script: Script, api: Impatient) -> None:
    script.then(404, {"message": "404 Tag Not Found"})

    assert await reads.tag(api, "acme/shop", "v1") is None


async def test_two_thousand_pages_are_followed_without_recursion(script: Script, api: Impatient) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        number = int(request.query.get("page", "1"))
        headers = {"X-Next-Page": str(number + 1)} if number < 2000 else {}
        return web.json_response([{"name": f"label-{number}"}], headers=headers)

    script.then_do(page)

    found = await reads.labels(api, "acme/shop")

    assert [label.name for label in found] == [f"label-{number}" for number in range(1, 2001)]


async def test_a_capped_list_reads_no_further_page(script: Script, api: Impatient) -> None:
    tags = [{"name": f"v{number}", "commit": {"id": "a" * 40, "title": "t"}} for number in range(3)]
    script.then(body=tags, X_Next_Page="2")

    assert len(await reads.tags(api, "acme/shop", limit=3)) == 3

    assert len(script.requests) == 1
    assert script.requests[0].query["per_page"] == "3"


async def test_pages_in_a_circle_are_noticed(script: Script, api: Impatient) -> None:
    script.then(body=[], X_Next_Page="2")

    with pytest.raises(PermanentError, match="circle"):
        await reads.labels(api, "acme/shop")


async def test_a_page_on_another_host_gets_no_token(script: Script, api: Impatient) -> None:
    script.then(body=[], Link='<https://evil.example.org/api/v4/x>; rel="next"')

    with pytest.raises(PermanentError, match="lies elsewhere"):
        await reads.labels(api, "acme/shop")


async def test_what_must_hold_before_a_write_stops_it(script: Script, api: Impatient) -> None:
    script.then()
    asked: list[str] = []

    async def refuse() -> None:
        asked.append("asked")
        raise StaleError("the lease is gone")

    guarded = api.bound(before_write=refuse)
    await reads.own_user(guarded)
    with pytest.raises(StaleError):
        await guarded.write("POST", "user", User, feature="user", data={})

    assert asked == ["asked"]
    assert len(script.requests) == 1


async def test_gidgetlabs_own_verbs_have_the_same_manners(script: Script, api: Impatient) -> None:
    script.then(body={"id": 1}).then(body=[1], X_Next_Page="2").then(body=[2]).then(
        429, "Retry later", Retry_After="90"
    )

    assert await api.getitem("/projects/1") == {"id": 1}
    assert [item async for item in api.getiter("/projects", {"owned": True})] == [1, 2]
    with pytest.raises(TemporaryError):
        await api.post("/projects", data={"name": "x"})

    assert script.requests[1].query["owned"] == "true"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://gitlab.example.org",
        "gitlab.example.org",
        "https://u:hunter2@gitlab.example.org",
        "https://h?token=hunter2",
        "",
    ],
)
async def test_an_address_that_is_none_is_refused_without_an_echo(api: Impatient, url: str) -> None:
    with pytest.raises(PermanentError, match="no address") as refused:
        Impatient(url, TOKEN, api._session, HostBudget(per_minute=60), SystemClock())

    assert "hunter2" not in str(refused.value)
