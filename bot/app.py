"""The composition root: the only file that knows everything, and where every part is made once and given its parts."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

import structlog
from aiohttp import web

from bot.answers import Explanation, WhyLine
from bot.api import create_api
from bot.clock import Clock, SystemClock
from bot.commands import Grammar
from bot.executor import Executor
from bot.explaining import Explaining
from bot.gates import StoredGates
from bot.health import Readiness
from bot.hearing import Hearing
from bot.journal import Journal
from bot.keys import EnvironmentKey
from bot.looking.cluster_truth import ClusterTruth
from bot.looking.configuration_truth import ConfigurationTruth
from bot.looking.git_truth import GitTruth
from bot.looking.gitlab_truth import GitLabTruth
from bot.looking.images import Images
from bot.looking.involved import Authorship
from bot.looking.observer import LiveObserver, World
from bot.looking.people import People
from bot.looking.sightings import Sightings
from bot.looking.sources import SourceTruth
from bot.parsing import Parser
from bot.recalling import Recall
from bot.resync import Resync
from bot.server import create_app, create_runner
from bot.tenants import Tenant, Tenants
from bot.tracing.boundary import begin_own_traces
from bot.upkeep import Upkeep
from bot.wiring.clients import Clients, open_clients
from bot.wiring.doors import api_tokens, registry_hosts, server_settings
from bot.worker import Limits, Worker
from config.grants import check_grant
from config.policy import Policy, PolicyFault
from config.settings import Settings
from handlers import FORMS, RULES

log = structlog.get_logger(__name__)

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What runs between the journal and the outside."""

    worker: Worker
    resync: Resync
    explaining: Explaining


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What everything else is made from."""

    settings: Settings
    journal: Journal
    tenants: Tenants
    recall: Recall
    clients: Clients
    clock: Clock


class App:
    """One running Sluice. `url` is where it answers."""

    def __init__(self, settings: Settings, stack: AsyncExitStack, machine: Machine, url: str) -> None:
        self.settings = settings
        self.machine = machine
        self.url = url
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stack = stack

    @classmethod
    async def start(cls, settings: Settings, *, clock: Clock | None = None) -> Self:
        """Open the journal, then the outside, then the doors: nothing is accepted that could not be kept."""
        async with AsyncExitStack() as stack:
            now = clock or SystemClock()
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            journal = await Journal.open(settings.database().get_secret_value(), now)
            stack.push_async_callback(journal.close)
            tenants = tenants_of(settings)
            recall = Recall(journal, tenants)
            await recall.all()
            clients = await stack.enter_async_context(open_clients(settings, tenants, now))
            parts = Parts(
                settings=settings, journal=journal, tenants=tenants, recall=recall, clients=clients, clock=now
            )
            machine = assemble(parts)
            url = await open_doors(parts, machine, stack)
            app = cls(settings, stack.pop_all(), machine, url)
        app._begin(Upkeep(journal=journal, clock=now))
        return app

    def _begin(self, upkeep: Upkeep) -> None:
        for work in (self.machine.worker.run(), self.machine.resync.run(), upkeep.run()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._stack.push_async_callback(_cancel, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop that ends by itself ends the process: half a bot is worse than a restarted one."""
        if task.cancelled() or self.failed.done():
            return
        error = task.exception() or RuntimeError("a loop of the bot ended by itself")
        self.failed.set_exception(error)

    async def stop(self) -> None:
        """Close the doors, let what is under way end, and close the journal last."""
        await self._stack.aclose()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def tenants_of(settings: Settings) -> Tenants:
    """The tenants that the operator configured."""
    return Tenants(
        Tenant(
            name=name,
            config_project=found.config_project,
            branch=found.branch,
            projects=found.application_projects,
        )
        for name, found in settings.tenants.items()
    )


def assemble(parts: Parts) -> Machine:
    """Looking, deciding and acting, tied together."""
    # `why` is asked of the rules themselves, which look with an observer: the name is bound before it is needed.
    world = world_of(parts, lambda key: explanation(explaining, key))
    observers = observers_of(world)
    name = f"{socket.gethostname()}-{os.getpid()}"
    executor = Executor(
        name=name,
        journal=parts.journal,
        tenants=parts.tenants,
        apis=parts.clients.apis,
        truths=world.git,
        clock=parts.clock,
        public_url=parts.settings.public_url or "",
        lease=parts.settings.lease,
    )
    worker = Worker(
        name=name,
        journal=parts.journal,
        tenants=parts.tenants,
        recall=parts.recall,
        rules=RULES,
        observers=observers,
        executor=executor,
        parser=Parser(parts.tenants, registry_hosts(parts.settings), hearing_of(parts)),
        clock=parts.clock,
        limits=Limits(workers=parts.settings.workers, lease=parts.settings.lease),
    )
    resync = Resync(
        journal=parts.journal,
        tenants=parts.tenants,
        recall=parts.recall,
        clusters=parts.clients.clusters,
        every=parts.settings.resync_every,
        sweep_every=parts.settings.sweep_every,
    )
    explaining = Explaining(
        journal=parts.journal, tenants=parts.tenants, rules=RULES, observers=observers, clock=parts.clock
    )
    return Machine(worker=worker, resync=resync, explaining=explaining)


async def explanation(explaining: Explaining, key: EnvironmentKey) -> Explanation:
    """What the rules decide about an environment, for whoever asked in a thread."""
    found = await explaining.explain(key)
    lines = tuple(WhyLine(rule=one.rule, kind=one.kind, because=one.because) for one in found)
    gates = tuple((gate.name, gate.verdict, gate.because) for one in found for gate in one.gates)
    return Explanation(lines=lines, gates=gates)


def world_of(parts: Parts, explain: Callable[[EnvironmentKey], Awaitable[Explanation]]) -> World:
    """Everything that is looked at."""
    images = Images(registries=parts.clients.registries)
    truths = {
        tenant.name: GitTruth(tenant=tenant, mirror=parts.clients.mirrors[tenant.name], images=images)
        for tenant in parts.tenants
    }
    clusters = ClusterTruth(clusters=parts.clients.clusters, images=images, heard=parts.journal)
    gitlab = GitLabTruth(api=parts.clients.apis.read, bot=parts.clients.apis.write)
    return World(
        journal=parts.journal,
        tenants=parts.tenants,
        git=truths,
        gitlab=gitlab,
        clusters=clusters,
        configurations=ConfigurationTruth(
            journal=parts.journal, gitlab=gitlab, git=truths, grant=grant_of(parts.settings)
        ),
        sources=SourceTruth(tenants=parts.tenants, git=truths, clusters=clusters),
        sightings=Sightings(images=images, clusters=clusters),
        people=People(
            journal=parts.journal,
            api=parts.clients.apis.read,
            ours=(parts.clients.apis.read, parts.clients.apis.write, parts.clients.apis.status),
            authorship=Authorship(parts.clients.apis.read),
        ),
        explain=explain,
        clock=parts.clock,
    )


def grant_of(settings: Settings) -> Callable[[str, Policy], None]:
    """Refuses a policy that names what the operator did not grant its tenant."""

    def check(tenant: str, policy: Policy) -> None:
        if outside := check_grant(settings, tenant, policy):
            raise PolicyFault(outside)

    return check


def hearing_of(parts: Parts) -> Hearing:
    """Listens for the verbs of the rules."""
    return Hearing(grammar=Grammar(FORMS), tenants=parts.tenants)


def observers_of(world: World) -> Callable[[Policy], LiveObserver]:
    """Makes one observer for each look."""

    def observer(policy: Policy) -> LiveObserver:
        return LiveObserver(world, policy)

    return observer


async def open_doors(parts: Parts, machine: Machine, stack: AsyncExitStack) -> str:
    """Listen, and return the URL; the doors close first when the stack unwinds."""
    settings, journal = parts.settings, parts.journal
    api = create_api(
        journal=journal,
        tenants=parts.tenants,
        explainer=machine.explaining,
        tokens=api_tokens(settings),
        clock=parts.clock,
        gitlab_url=settings.gitlab.url,
    )
    application = create_app(
        server_settings(settings),
        inbox=journal,
        gates=StoredGates(answers=journal, clusters=parts.clients.clusters, clock=parts.clock),
        health=Readiness(journal=journal, worker=machine.worker, clock=parts.clock),
        clock=parts.clock,
        subapps={PREFIX: api},
    )
    runner = create_runner(application)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, settings.listen.host, settings.listen.port).start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def serve(settings: Settings, ready: Callable[[str], None] = lambda url: None) -> None:
    """Run until SIGTERM or SIGINT; `ready` is told the URL. Raises what made a loop of the bot end by itself."""
    begin_own_traces()
    app = await App.start(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        ready(app.url)
        waiting: set[asyncio.Future[Any]] = {asyncio.create_task(stopped.wait()), app.failed}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if app.failed.done():
            app.failed.result()
    finally:
        await app.stop()
