"""One of the servers that `bench.ack` compares; it ends when stdin closes.

bare: reads and answers. unstored: ours, stored nowhere. appended: ours, each batch one write to a file and one
fdatasync, the least that a durable answer can cost. stored: ours with a journal.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bench.ack_load import SIGNING_TOKEN
from bot.clock import SystemClock
from bot.events import Delivery
from bot.journal import Journal
from bot.journal.engine import InboxRow, Receipt
from bot.journal.inbox import Batcher, row_of
from bot.receivers.flagger import GateName
from bot.receivers.gitlab import GitlabSecret
from bot.receivers.scopes import Scope
from bot.server import ServerSettings, create_app, create_runner
from bot.server_ports import GateAnswer, Inbox

FILE_SIZE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The receipt of an inbox that keeps nothing."""

    id: str
    duplicate: bool = False


class File:
    """Keeps the bodies of the newest batches, written over and over within one file as SQLite does with its WAL."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        self._thread = ThreadPoolExecutor(1)
        self._place = 0

    async def put(self, rows: Sequence[InboxRow]) -> list[Receipt]:
        """Write and wait for the disk, beside the event loop."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, b"".join(row.body for row in rows))
        return [Receipt(id=row.id, duplicate=False) for row in rows]

    def _write(self, bodies: bytes) -> None:
        self._place = (self._place + os.pwrite(self._file, bodies, self._place)) % FILE_SIZE
        os.fdatasync(self._file)


class Appended:
    """An inbox that only appends, with the group commit of the journal's."""

    def __init__(self, path: Path) -> None:
        self._batcher = Batcher(File(path), lambda: None)

    def put(self, delivery: Delivery) -> Awaitable[Receipt]:
        """Store the body."""
        return self._batcher.add(row_of(delivery))


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
    elif kind == "appended":
        yield create_runner(ours(Appended(Path(database))))
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
