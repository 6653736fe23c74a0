"""A bot as its Deployment runs it, instrumented as the operator does it, beside a sandbox it governs."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from local_process import LocalProcess, free_ports
from local_process import running as running_process
from operator_stand_in import MOUNTED_PYTHON, on_this_machine
from running import Outside, until
from running_services import injection_of, own_environment

from bot.demo.processes import API_TOKEN, TENANT, settings
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.traffic import Fault

NAME = "sluice"
QUIET_LOOKS = 4
"""So often in a row: a webhook may still be on its way."""
WATCHES = r"/v1/kustomizations$"
"""The path of lists and watches over all namespaces, and of nothing that is looked at by name."""


@dataclass(slots=True)
class TracedBot(Outside):
    """A bot in a process of its own, and plain HTTP to its API."""

    url: str
    process: LocalProcess
    journal: Path

    async def until_idle(self) -> None:
        """Wait until no work is left, so that what is done next has its own cause alone."""

        async def idle() -> bool:
            with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as journal:
                arrived = journal.execute("SELECT count(*) FROM deliveries WHERE phase = 'received'").fetchone()[0]
                begun = "SELECT count(*) FROM work WHERE dirty_seq > done_seq OR owner IS NOT NULL"
                return bool(arrived + journal.execute(begun).fetchone()[0] == 0)

        for _ in range(QUIET_LOOKS):
            await until(idle, "the bot has nothing to do")
            await asyncio.sleep(0.5)

    async def api(self, path: str, method: str = "GET", **body: Any) -> dict[str, Any]:
        """The bot's own API."""
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        async with self.session.request(
            method, f"{self.url}/api/v1/{path}", headers=headers, json=body or None
        ) as response:
            text = await response.text()
            assert response.status < 400, f"{method} {path}: {response.status} {text}"
            found: dict[str, Any] = json.loads(text)
            return found


@asynccontextmanager
async def running_traced_bot(folder: Path, *, injected: Path, collector: str) -> AsyncIterator[TracedBot]:
    """A sandbox and a bot that hear each other. injected: what the operator mounts. collector: where spans go.

    Watches of the cluster never answer and resync is slow: what the bot does has a webhook as its cause.
    """
    (port,) = free_ports(1)
    sandbox = await Sandbox.start(folder / "sandbox")
    sandbox.cluster.traffic.faults.append(Fault(kind="hang", method="GET", path=WATCHES))
    try:
        known = settings(folder, sandbox.facts, level="debug") | {
            "listen": {"port": port},
            "resync_every": "1h",
            "sweep_every": "1h",
        }
        config = folder / "sluice.yaml"
        config.write_text(json.dumps(known), "utf-8")
        url = f"http://127.0.0.1:{port}"
        await sandbox.set_bot_url(url)
        starting = running_process(
            NAME,
            [sys.executable, "-m", "bot.cli", "serve", "--config", str(config)],
            environment=environment_of_the_bot(injected, collector),
            log_file=folder / "bot.log",
            ready_at=f"{url}/readyz",
        )
        process = await asyncio.to_thread(starting.__enter__)
        try:
            async with aiohttp.ClientSession() as session:
                yield TracedBot(sandbox, session, url, process, folder / "data" / "sluice.db")
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)
    finally:
        await sandbox.stop()


def environment_of_the_bot(injected: Path, collector: str) -> dict[str, str]:
    """What the Deployment and the operator set for OpenTelemetry, with the paths and the Collector of this machine."""
    own = {name: value for name, value in own_environment(NAME).items() if name.startswith("OTEL_")}
    injection = injection_of(NAME)
    return own | on_this_machine(injection.environment, mounted={MOUNTED_PYTHON: str(injected)}, endpoint=collector)


async def adopt(bot: TracedBot) -> None:
    """Let it act."""
    await bot.api("adopt", "POST", tenant=TENANT)

    async def adopted() -> bool:
        tenants = (await bot.api("status"))["tenants"]
        return bool(tenants[0]["adopted"])

    await until(adopted, "the repository is adopted")
