"""The prepared acknowledgement is a proper answer for every kind of connection."""

import asyncio
import json
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from receiving import NOW, MemoryInbox, ScriptedGates, ScriptedHealth, serving

from bot.receivers.gitlab import GitlabSecret
from bot.receivers.scopes import Scope
from bot.server import ServerSettings, create_app, create_runner

SETTINGS = ServerSettings(gitlab=[GitlabSecret(scope=Scope("instance"), tokens=["plain"])])
TOKEN = {"X-Gitlab-Token": "plain"}
HEAD = "POST /hooks/gitlab HTTP/{version}\r\nHost: x\r\nX-Gitlab-Token: plain\r\nContent-Length: 2\r\n{more}\r\n{{}}"


async def until_closed(url: str, request: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(request.encode())
    try:
        return await asyncio.wait_for(reader.read(), timeout=10)
    finally:
        writer.close()


async def test_an_acknowledgement_has_its_type_length_and_date() -> None:
    async with serving(SETTINGS) as url, aiohttp.ClientSession() as session:
        answer = await session.post(url + "/hooks/gitlab", data=b"{}", headers=TOKEN)
        body = await answer.read()

    assert answer.reason == "Accepted"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == str(len(body))
    assert parsedate_to_datetime(answer.headers["Date"]) == NOW


async def test_one_connection_carries_many_deliveries_also_sent_ahead() -> None:
    inbox = MemoryInbox()
    ahead = HEAD.format(version="1.1", more="") * 3 + HEAD.format(version="1.1", more="Connection: close\r\n")

    async with serving(SETTINGS, inbox=inbox) as url:
        answer = await until_closed(url, ahead)

    ids = [
        json.loads(part.rpartition(b"\r\n\r\n")[2].partition(b"HTTP")[0])["id"]
        for part in answer.split(b"HTTP/1.1 202")[1:]
    ]
    assert ids == [delivery.id for delivery in inbox.deliveries]
    assert len(ids) == 4


@pytest.mark.parametrize(("version", "more"), [("1.0", ""), ("1.1", "Connection: close\r\n")])
async def test_a_sender_that_closes_after_each_request_is_answered_and_let_go(version: str, more: str) -> None:
    async with serving(SETTINGS) as url:
        answer = await until_closed(url, HEAD.format(version=version, more=more))

    assert answer.split(b"\r\n")[0] == f"HTTP/{version} 202 Accepted".encode()


async def test_a_wrong_method_is_405_and_a_wrong_path_404_beside_a_mounted_app() -> None:
    async def status(_: web.Request) -> web.Response:
        return web.json_response({})

    api = web.Application()
    api.add_routes([web.get("/status", status)])
    app = create_app(
        SETTINGS, inbox=MemoryInbox(), gates=ScriptedGates(), health=ScriptedHealth(), subapps={"/api/v1": api}
    )
    runner = create_runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async with aiohttp.ClientSession() as session:
        answers = [
            await session.get(url + "/api/v1/status"),
            await session.post(url + "/healthz"),
            await session.get(url + "/nothing"),
            await session.get(url + "/"),
        ]
        allowed = answers[1].headers["Allow"]
    await runner.cleanup()

    assert [answer.status for answer in answers] == [200, 405, 404, 404]
    assert allowed == "GET,HEAD"


async def test_a_path_with_a_query_leads_to_the_same_door() -> None:
    inbox = MemoryInbox()

    async with serving(SETTINGS, inbox=inbox) as url, aiohttp.ClientSession() as session:
        straight = await session.post(url + "/hooks/gitlab", data=b"{}", headers=TOKEN)
        routed = await session.post(url + "/hooks/gitlab?from=group", data=b"{}", headers=TOKEN)

    assert [straight.status, routed.status] == [202, 202]
    assert [delivery.endpoint for delivery in inbox.deliveries] == ["gitlab", "gitlab"]


async def test_a_middleware_sees_every_delivery() -> None:
    seen: list[str] = []

    @web.middleware
    async def watching(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append(request.path)
        return await handler(request)

    app = create_app(SETTINGS, inbox=MemoryInbox(), gates=ScriptedGates(), health=ScriptedHealth())
    app.middlewares.append(watching)
    runner = create_runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async with aiohttp.ClientSession() as session:
        answer = await session.post(
            f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/gitlab", data=b"{}", headers=TOKEN
        )
    await runner.cleanup()

    assert answer.status == 202
    assert seen == ["/hooks/gitlab"]
