"""Kills or pauses real bots at chosen writes to GitLab, and lets them finish."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import aiohttp
import asyncpg

from bot.demo.processes import configure
from bot.demo.witness import Unseen, Witness, until
from bot.sandbox.gitlab import Fault, FaultPlan
from bot.sandbox.sandbox import Sandbox

When = Literal["before", "after", "paused"]
"""Killed before GitLab did what was asked, or after it and before the answer. Paused: stopped (SIGSTOP) past its lease
while the write is on its way, which then arrives late; only with a second replica that takes over meanwhile."""
Database = Literal["sqlite", "postgresql"]
LEASE = 5.0
"""Seconds, the shortest that settings allow: so long a killed process' work waits on PostgreSQL."""
LATE = LEASE + 4.0
"""Seconds after which the write of a paused process arrives: the other replica has taken over by then."""
POLL = 0.25
"""Seconds between two looks at GitLab: the sandbox counts 2,000 requests of a user in a minute, as GitLab.com does."""
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
    """Lets writes pass until a point is reached (or was passed already), holds one, and says so."""

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
        if self.point is None or self.tripped.is_set() or self.writes < self.point.write:
            return FaultPlan.take(self, method, raw_path)
        self.tripped.set()
        if self.point.when == "paused":
            return Fault(kind="late", times=1, seconds=LATE)
        return Fault(kind="hang", times=1, seconds=0.5, after_effect=self.point.when == "after")


@dataclass(slots=True)
class Victim:
    """A bot's process, which may be killed and started again over the same journal."""

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

    @property
    def pid(self) -> int:
        """Of the process that runs now, 0 when none does."""
        return self.process.pid if self.process is not None and self.process.returncode is None else 0

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it without a word (SIGKILL), or politely."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    async def pause(self, seconds: float) -> None:
        """Stop it, as a frozen machine does, and let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)


def last_words(log: Path) -> str:
    """The end of a bot's log."""
    return log.read_text("utf-8")[-3000:]


@dataclass(slots=True)
class Scene:
    """Everything a crash test needs. database: the URL of the PostgreSQL that the victims share, or empty."""

    sandbox: Sandbox
    trap: Trap
    victims: list[Victim]
    witness: Witness
    database: str
    background: list[asyncio.Task[None]] = field(default_factory=list)
    """What disturbs the story beside its points; `finish` waits for it."""

    @property
    def log(self) -> str:
        """The end of what each bot logged."""
        return "\n\n".join(last_words(victim.log) for victim in self.victims)

    @property
    def url(self) -> str:
        """A bot that can be asked."""
        return self.victims[0].url

    async def adopt(self) -> None:
        """Let the bots act, before anything is trapped."""
        await self.witness.bot(self.url, "adopt", method="POST", body={"tenant": "demo"})

        async def adopted() -> bool:
            status = await self.witness.bot(self.url, "status")
            known = [row["running"] for row in status["environments"]] == ["1.0.0"] * len(ENVIRONMENTS)
            return known and bool(status["tenants"][0]["adopted"])

        await until("the repository is adopted", adopted)
        self.sandbox.gitlab.reset_counters()
        self.trap.writes = 0

    async def fall(self, point: Point, ending: "Ending") -> bool:
        """Kill (or pause) the writing bot at a point, and start it again; False where no such write came."""
        self.trap.arm(point)
        waiting = asyncio.create_task(self.trap.tripped.wait())
        while not waiting.done():
            await self.merge_as_maintainer()
            if await ending.reached(self):
                break
            await asyncio.sleep(POLL)
        held = waiting.done()
        waiting.cancel()
        victim = await self.writer()
        if held and point.when == "paused":
            await victim.pause(LATE - 1.0)
        else:
            # The write is held after its effect; give the sandbox the moment to have made it.
            await asyncio.sleep(0.2 if point.when == "after" else 0.0)
            await victim.kill()
            self.trap.point = None
            await victim.start()
        self.trap.point = None
        return held

    async def writer(self) -> Victim:
        """The bot that holds the lease on the application's work; the only one there is on SQLite."""
        if not self.database:
            return self.victims[0]
        connection = await asyncpg.connect(self.database.replace("+asyncpg", ""))
        try:
            owner = await connection.fetchval("SELECT owner FROM work WHERE key LIKE 'app:%' AND owner IS NOT NULL")
        finally:
            await connection.close()
        return next((victim for victim in self.victims if str(owner).endswith(f"-{victim.pid}")), self.victims[0])

    async def finish(self, ending: "Ending") -> None:
        """Let the bots finish, with the maintainer merging."""

        async def done() -> bool:
            await self.merge_as_maintainer()
            await asyncio.sleep(POLL)
            return await ending.reached(self)

        await self.undisturbed()
        await until(f"the story ends: {ending.name}", done, patience=120.0)
        await self.quiet()

    async def undisturbed(self) -> None:
        """Go on merging until nothing disturbs any more; GitLab may be away meanwhile."""
        while any(not task.done() for task in self.background):
            with contextlib.suppress(Unseen):
                await self.merge_as_maintainer()
            await asyncio.sleep(0.2)
        for task in self.background:
            await task

    async def quiet(self, seconds: float = 1.5) -> None:
        """Wait until no bot has written for a while."""
        before, since = -1, 0.0
        loop = asyncio.get_running_loop()

        async def still() -> bool:
            nonlocal before, since
            if self.trap.writes != before:
                before, since = self.trap.writes, loop.time()
            return loop.time() - since >= seconds

        await until("the bots stop writing", still)

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

    async def sha(self) -> str:
        """The released commit, empty before the release."""
        tags = await self.witness.gitlab(f"{self.witness.application}/repository/tags")
        return next((str(tag["commit"]["id"]) for tag in tags if tag["name"] == f"v{VERSION}"), "")

    def doubled(self) -> dict[str, int]:
        """Natural keys that the bots wrote more than once with success."""
        counts = self.sandbox.gitlab.ledger.by_natural_key(user="sluice")
        return {key: count for key, count in counts.items() if count > 1}

    async def nothing_is_left(self) -> None:
        """No delivery is dead or waits, no work was given up."""
        status = await self.witness.bot(self.url, "status")
        assert status["deliveries"].get("dead", 0) == 0
        assert status["deliveries"].get("received", 0) == 0
        assert status["dead_work"] == 0


class Ending(Protocol):
    """How a story is to end, whatever happens on the way."""

    @property
    def name(self) -> str:
        """What the story is called."""
        ...

    @property
    def canary(self) -> str:
        """How production's canary is to end, as the control API calls it."""
        ...

    async def reached(self, scene: Scene) -> bool:
        """Whether GitLab says that it ended."""
        ...


@asynccontextmanager
async def scene(folder: Path, *, database: str = "", replicas: int = 1) -> AsyncIterator[Scene]:
    """A sandbox in this process and bots in processes of their own, adopted; several share the database."""
    sandbox = await Sandbox.start(folder / "sandbox")
    trap = Trap()
    sandbox.gitlab.instance.faults = trap
    victims = [
        Victim(configured(folder / f"bot-{number}", sandbox, database), sandbox, folder / f"bot-{number}.log")
        for number in range(replicas)
    ]
    try:
        for victim in victims:
            await victim.start()
        async with aiohttp.ClientSession() as session:
            acting = Scene(sandbox, trap, victims, Witness(sandbox.facts, session, folder), database)
            await acting.adopt()
            yield acting
    finally:
        for victim in victims:
            await victim.kill()
        await sandbox.stop()


def configured(folder: Path, sandbox: Sandbox, database: str) -> Path:
    """Settings with the shortest lease and frequent looks at what webhooks may have missed."""
    file = configure(folder, sandbox.facts, level="info")
    found = json.loads(file.read_text("utf-8")) | {"lease": "5s", "resync_every": "2s", "sweep_every": "5s"}
    file.write_text(json.dumps(found | ({"database_url": database} if database else {})), "utf-8")
    return file
