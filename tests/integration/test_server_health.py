"""Health, numbers, traces, and what others mount beside the hooks."""

import re

import aiohttp
import pytest
from aiohttp import web
from receiving import MemoryInbox, ScriptedGates, ScriptedHealth, serving

from bot.errors import PermanentError
from bot.receivers.gitlab import GitlabSecret
from bot.receivers.scopes import Scope
from bot.server import ServerSettings, create_app

SETTINGS = ServerSettings(gitlab=[GitlabSecret(scope=Scope("instance"), tokens=["plain"])])
TOKEN = {"X-Gitlab-Token": "plain"}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_the_process_lives_and_is_ready_when_nothing_is_wrong() -> None:
    async with serving(SETTINGS) as url, aiohttp.ClientSession() as session:
        alive, ready = await session.get(url + "/healthz"), await session.get(url + "/readyz")

        assert (alive.status, await alive.json()) == (200, {"alive": True})
        assert (ready.status, await ready.json()) == (200, {"ready": True, "because": []})


async def test_a_problem_makes_it_unready_but_not_dead() -> None:
    health = ScriptedHealth(found=["the journal is not writable"])

    async with serving(SETTINGS, health=health) as url, aiohttp.ClientSession() as session:
        alive, ready = await session.get(url + "/healthz"), await session.get(url + "/readyz")

        assert alive.status == 200
        assert (ready.status, (await ready.json())["because"]) == (503, ["the journal is not writable"])


async def test_answers_are_counted_by_sender_and_outcome() -> None:
    headers = TOKEN | {"Idempotency-Key": "one"}

    async with serving(SETTINGS) as url, aiohttp.ClientSession() as session:
        for sent in (headers, headers, {}):
            await session.post(url + "/hooks/gitlab", data=b"{}", headers=sent)
        numbers = await session.get(url + "/metrics")
        text = await numbers.text()

    assert numbers.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for outcome in ("accepted", "duplicate", "no_credential"):
        assert f'sluice_deliveries_received_total{{source="gitlab",outcome="{outcome}"}} 1\n' in text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (TRACE, re.escape(TRACE.removesuffix("01") + "00")),
        ("nonsense", "00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
        (TRACE.upper(), "00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
        (TRACE + "-" + 7000 * "x", "00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
        (None, "00-[0-9a-f]{32}-[0-9a-f]{16}-00"),
    ],
)
async def test_a_delivery_keeps_the_senders_trace_or_starts_one_and_neither_claims_to_be_recorded(
    sent: str | None, kept: str
) -> None:
    inbox = MemoryInbox()
    headers = TOKEN | ({"traceparent": sent} if sent else {})

    async with serving(SETTINGS, inbox=inbox) as url, aiohttp.ClientSession() as session:
        await session.post(url + "/hooks/gitlab", data=b"{}", headers=headers)

    assert re.fullmatch(kept, inbox.deliveries[0].trace)


async def test_routes_of_others_stand_beside_the_hooks() -> None:
    async def status(_: web.Request) -> web.Response:
        return web.json_response({"environments": 3})

    async with serving(SETTINGS, routes=[web.get("/api/v1/status", status)]) as url, aiohttp.ClientSession() as session:
        answer = await session.get(url + "/api/v1/status")
        missing = await session.get(url + "/api/v1/nothing")

        assert await answer.json() == {"environments": 3}
        assert (missing.status, (await missing.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["", "eu/1", "../x", "{cluster}", "a b"])
def test_a_name_that_cannot_stand_in_a_path_is_refused_at_start(name: str) -> None:
    with pytest.raises(PermanentError, match="part of a path"):
        create_app(
            ServerSettings(flux={name: ["s"]}), inbox=MemoryInbox(), gates=ScriptedGates(), health=ScriptedHealth()
        )
