"""Kills a real bot at a chosen write to GitLab, starts it again, and lets it finish."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp

from bot.demo.processes import configure
from bot.demo.witness import Witness, until
from bot.sandbox.gitlab import Fault, FaultPlan
from bot.sandbox.sandbox import Sandbox

When = Literal["before", "after"]
"""Killed before GitLab did what was asked, or after it and before the answer."""
VERSION = "1.1.0"
ENVIRONMENTS = ("dev", "staging", "production")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The n-th write of the bot to GitLab (1 is the first), API requests and pushes alike."""

    write: int
    when: When

    def __str__(self) -> str:
        return f"{self.when}-write-{self.write}"


@dataclass(slots=True)
class Trap(FaultPlan):
    """Lets a number of writes pass, holds the next one, and says so; a held one never gets its answer."""

    point: Point | None = None
    writes: int = 0
    tripped: asyncio.Event = field(default_factory=asyncio.Event)
    person: bool = False
    """Whether a person is writing just now: that does not count."""

    def arm(self, point: Point) -> None:
        """Trap one more write."""
        self.point = point
        self.tripped = asyncio.Event()

    def take(self, method: str, raw_path: str) -> Fault | None:
        """The hang at the trapped write, else what was planned."""
        if method == "GET" or "git-upload-pack" in raw_path or self.person:
            return FaultPlan.take(self, method, raw_path)
        self.writes += 1
        if self.point is None or self.writes != self.point.write:
            return FaultPlan.take(self, method, raw_path)
        self.tripped.set()
        after = self.point.when == "after"
        return Fault(kind="hang", times=1, seconds=0.5, after_effect=after)


@dataclass(slots=True)
class Victim:
    """The bot's process, which may be killed and started again over the same journal."""

    config: Path
    sandbox: Sandbox
    log: Path
    process: asyncio.subprocess.Process | None = None
    url: str = ""

    async def start(self) -> None:
        """Start it and point every webhook at it."""
        with self.log.open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.cli", "serve", "--config", str(self.config),
                stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        line = await self.process.stdout.readline() if self.process.stdout else b""
        assert line, f"the bot did not start: {last_words(self.log)}"
        self.url = line.decode().split()[-1]
        await self.sandbox.set_bot_url(self.url)

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it without a word (SIGKILL), or politely."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()


def last_words(log: Path) -> str:
    """The end of the bot's log."""
    return log.read_text("utf-8")[-3000:]


@dataclass(slots=True)
class Scene:
    """Everything a crash test needs."""

    sandbox: Sandbox
    trap: Trap
    victim: Victim
    witness: Witness

    async def adopt(self) -> None:
        """Let the bot act, before anything is trapped."""
        await self.witness.bot(self.victim.url, "adopt", method="POST", body={"tenant": "demo"})

        async def adopted() -> bool:
            return bool((await self.witness.bot(self.victim.url, "status"))["tenants"][0]["adopted"])

        await until("the repository is adopted", adopted)
        self.sandbox.gitlab.reset_counters()
        self.trap.writes = 0

    async def fall(self, point: Point) -> None:
        """Kill the bot at a point, and start it again; where no such write comes, it is killed at the end."""
        self.trap.arm(point)
        waiting = asyncio.create_task(self.trap.tripped.wait())
        while not waiting.done():
            await self.merge_as_maintainer()
            if await self.is_done():
                break
            await asyncio.sleep(0.1)
        assert waiting.done() or self.trap.writes < point.write, f"the trap at {point} did not hold"
        waiting.cancel()
        if point.when == "after":
            # The write is held after its effect; give the sandbox the moment to have made it.
            await asyncio.sleep(0.2)
        await self.victim.kill()
        self.trap.point = None
        await self.victim.start()

    async def finish(self) -> None:
        """Let the bot finish, with the maintainer merging."""

        async def done() -> bool:
            await self.merge_as_maintainer()
            return await self.is_done()

        await until("every environment has the release", done)

    async def merge_as_maintainer(self) -> None:
        """What the person of the story does, once it can be done."""
        witness = self.witness
        request = await witness.merge_request("production", "opened")
        if request is None or request["draft"] or request["detailed_merge_status"] != "mergeable":
            return
        path = f"{witness.config}/repository/commits/{request['sha']}/statuses?name=sluice%2Fgates"
        gates = await witness.gitlab(path)
        if not gates or gates[0]["status"] != "success":
            return
        self.trap.person = True
        try:
            merge = f"{witness.config}/merge_requests/{request['iid']}/merge"
            await witness.gitlab(merge, who="maintainer_token", method="PUT", body={"sha": request["sha"]})
        finally:
            self.trap.person = False

    async def is_done(self) -> bool:
        """Whether the application's commit and GitLab's environments say that the release is everywhere."""
        sha = await self.sha()
        if not sha:
            return False
        states = [await self.witness.status(sha, f"sluice/{name}") for name in ENVIRONMENTS]
        if states != ["success"] * 3:
            return False
        found = await self.witness.gitlab(f"{self.witness.application}/deployments?status=success&per_page=100")
        return {one["environment"]["name"] for one in found if one["sha"] == sha} == set(ENVIRONMENTS)

    async def sha(self) -> str:
        """The released commit, empty before the release."""
        tags = await self.witness.gitlab(f"{self.witness.application}/repository/tags")
        return next((str(tag["commit"]["id"]) for tag in tags if tag["name"] == f"v{VERSION}"), "")

    async def requests(self) -> list[tuple[str, str]]:
        """(source branch, state) of every merge request of the config project."""
        found: list[dict[str, Any]] = await self.witness.gitlab(f"{self.witness.config}/merge_requests?state=all")
        return sorted((str(one["source_branch"]), str(one["state"])) for one in found)

    def doubled(self) -> dict[str, int]:
        """Natural keys that the bot wrote more than once with success."""
        counts = self.sandbox.gitlab.ledger.by_natural_key(user="sluice")
        return {key: count for key, count in counts.items() if count > 1}


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """A sandbox in this process and a bot in one of its own, adopted."""
    sandbox = await Sandbox.start(folder / "sandbox")
    trap = Trap()
    sandbox.gitlab.instance.faults = trap
    victim = Victim(configure(folder / "bot", sandbox.facts, level="info"), sandbox, folder / "bot.log")
    try:
        await victim.start()
        async with aiohttp.ClientSession() as session:
            acting = Scene(sandbox, trap, victim, Witness(sandbox.facts, session, folder))
            await acting.adopt()
            yield acting
    finally:
        await victim.kill()
        await sandbox.stop()
