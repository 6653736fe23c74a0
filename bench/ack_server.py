"""One of the servers that `bench.ack` compares: bare, ours without a journal, ours with one; ends when stdin closes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bench.ack_load import SIGNING_TOKEN
from bot.clock import SystemClock
from bot.events import Delivery
from bot.journal import Journal
from bot.receivers.flagger import GateName
from bot.receivers.gitlab import GitlabSecret
from bot.receivers.scopes import Scope
from bot.server import ServerSettings, create_app, create_runner
from bot.server_ports import GateAnswer, Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The receipt of an inbox that keeps nothing."""

    id: str
    duplicate: bool = False


class Nowhere:
    """An inbox that keeps nothing, gates that stay closed, and health without a problem."""

    async def put(self, delivery: Delivery) -> Taken:
        """Take it, and forget it."""
        return Taken(id=delivery.id)

    async def answer(self, cluster: str, gate: GateName, namespace: str, name: str, checksum: str) -> GateAnswer:
        """No."""
        return GateAnswer(open=False, because="nothing is asked here")

    async def problems(self) -> Sequence[str]:
        """None."""
        return ()


async def cpu(_: web.Request) -> web.Response:
    """User and system seconds of this process, all threads."""
    return web.Response(text=str(time.process_time()))


async def bare(request: web.Request) -> web.Response:
    """What is compared with: read the body, answer."""
    await request.read()
    return web.Response(status=202, text='{"id":"01a207b985a6741cbd2b25f3816e3e1b"}', content_type="application/json")


@asynccontextmanager
async def application(kind: str, database: str) -> AsyncIterator[web.AppRunner]:
    """The runner of one kind of server."""
    if kind == "bare":
        app = web.Application()
        app.add_routes([web.post("/hooks/gitlab", bare), web.get("/bench/cpu", cpu)])
        yield web.AppRunner(app, access_log=None)
    elif kind == "stored":
        journal = await Journal.open(database, SystemClock())
        yield create_runner(ours(journal))
        await journal.close()
    else:
        yield create_runner(ours(Nowhere()))


def ours(inbox: Inbox) -> web.Application:
    """Our server with one signing secret."""
    secret = GitlabSecret(scope=Scope("group", "shop"), signing_tokens=[SIGNING_TOKEN])
    nothing = Nowhere()
    return create_app(
        ServerSettings(gitlab=[secret]), inbox=inbox, gates=nothing, health=nothing, routes=[web.get("/bench/cpu", cpu)]
    )


async def serve(kind: str, database: str) -> None:
    """Listen on a free port, print it, and end with the parent."""
    async with application(kind, database) as runner:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
