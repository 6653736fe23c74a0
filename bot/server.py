"""The HTTP side of the machine: hooks and gates are verified and stored before they are answered, nothing else happens.

Each configured sender has its own path, so an unknown cluster, hook or registry is a 404 like any other (design: 7).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

from aiohttp import web

from bot import server_answers as answers
from bot import server_metrics
from bot.clock import Clock, SystemClock
from bot.errors import PermanentError, TemporaryError
from bot.events import Delivery, Unreadable
from bot.receivers.flagger import GATES, HOOKS, FlaggerReceiver, GateName, read_canary
from bot.receivers.flux import DEFAULT_MAX_AGE, FluxReceiver
from bot.receivers.gitlab import GitlabReceiver, GitlabSecret
from bot.receivers.registry import RegistryReceiver
from bot.server_bodies import Load
from bot.server_doors import Door, Hall, Reply
from bot.server_ports import Gates, Health, Inbox, Metrics
from bot.server_runner import DOORS
from bot.server_runner import create_runner as create_runner
from bot.server_traces import trace_of

MEBIBYTE = 1024 * 1024
GITLAB_BODY_LIMIT = 25 * MEBIBYTE
"""GitLab sends no larger webhook body (GitLab "Webhooks", 25 MB)."""
FLAGGER_BODY_LIMIT = MEBIBYTE
"""Flagger's token is inside the body, so the body is read before anything is proven; real ones are under 2 KB."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Who may deliver, with which live secrets, and how much. Several secrets of a kind are a rotation in progress.

    flux: secrets by cluster. flagger: tokens by cluster. registries: tokens by registry name.
    """

    gitlab: Sequence[GitlabSecret] = ()
    flux: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    flagger: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    registries: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    flux_max_age: timedelta = DEFAULT_MAX_AGE
    body_limit: int = GITLAB_BODY_LIMIT
    """Bytes; a larger body is refused with 413."""
    body_timeout: timedelta = timedelta(seconds=20)
    """How long a body may take to arrive; GitLab itself gives up after 10 s, Flux after 15 s."""
    most_bytes_in_flight: int = 256 * MEBIBYTE
    most_requests_in_flight: int = 1000
    retry_after: timedelta = timedelta(seconds=5)


def create_app(
    settings: ServerSettings,
    *,
    inbox: Inbox,
    gates: Gates,
    health: Health,
    clock: Clock | None = None,
    metrics: Sequence[Metrics] = (),
    routes: Iterable[web.AbstractRouteDef] = (),
    subapps: Mapping[str, web.Application] | None = None,
) -> web.Application:
    """The whole HTTP interface; `routes` and `subapps` (prefix → app) add the API and the dashboard.

    PermanentError when a secret or a name in the settings cannot be used.
    """
    received = server_metrics.ReceivedCounter()
    hall = Hall(
        inbox=inbox,
        clock=clock or SystemClock(),
        load=Load(most_bytes=settings.most_bytes_in_flight, most_requests=settings.most_requests_in_flight),
        received=received,
        trace_of=trace_of(),
        body_timeout=settings.body_timeout,
        retry_after=settings.retry_after,
    )
    app = web.Application(client_max_size=settings.body_limit)
    doors = dict(chain(_hooks(hall, settings), _gates(hall, settings, gates)))
    for path, door in doors.items():
        app.router.add_post(path, door.receive, expect_handler=door.expect)
    app[DOORS] = {path: door.receive for path, door in doors.items()}
    app.add_routes(_health_routes(health, [received, *metrics]))
    app.add_routes(routes)
    for prefix, subapp in (subapps or {}).items():
        app.add_subapp(prefix, subapp)
    # Last, because it matches every path; a middleware for the router's own refusals would cost each delivery 4 µs.
    _Fallback(app)
    return app


def _hooks(hall: Hall, settings: ServerSettings) -> Iterable[tuple[str, Door]]:
    limit = settings.body_limit
    yield "/hooks/gitlab", Door(hall, "gitlab", GitlabReceiver(settings.gitlab), limit=limit)
    for cluster, secrets in _named(settings.flux):
        flux = FluxReceiver(cluster, secrets, settings.flux_max_age)
        yield f"/hooks/flux/{cluster}", Door(hall, f"flux/{cluster}", flux, limit=limit)
    for cluster, tokens in _named(settings.flagger):
        flagger = FlaggerReceiver(cluster, tokens)
        for hook in HOOKS:
            endpoint = f"flagger/{cluster}/{hook}"
            # Flagger counts 200 to 202 as success, and its load tester has taught everybody 200.
            yield f"/hooks/{endpoint}", Door(hall, endpoint, flagger, limit=FLAGGER_BODY_LIMIT, status=200)
    for name, tokens in _named(settings.registries):
        yield f"/hooks/registry/{name}", Door(hall, f"registry/{name}", RegistryReceiver(name, tokens), limit=limit)


def _gates(hall: Hall, settings: ServerSettings, gates: Gates) -> Iterable[tuple[str, Door]]:
    for cluster, tokens in _named(settings.flagger):
        flagger = FlaggerReceiver(cluster, tokens)
        for gate in GATES:
            endpoint = f"gates/{cluster}/{gate}"
            reply = _gate_reply(gates, cluster, gate)
            yield f"/{endpoint}", Door(hall, endpoint, flagger, limit=FLAGGER_BODY_LIMIT, reply=reply)


def _gate_reply(gates: Gates, cluster: str, gate: GateName) -> Reply:
    """Closed unless the gates say open: for confirmations Flagger waits, for `rollback` it does nothing."""

    async def reply(delivery: Delivery) -> web.Response:
        canary = read_canary(cluster, gate, delivery.body)
        if isinstance(canary, Unreadable):
            return answers.gate(open_=False, because=canary.reason)
        about = canary[0]
        try:
            answer = await gates.answer(cluster, gate, about.namespace, about.name, about.checksum)
        except (TemporaryError, PermanentError) as error:
            return answers.gate(open_=False, because=str(error))
        return answers.gate(open_=answer.open, because=answer.because)

    return reply


def _named(entries: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, Sequence[str]]]:
    for name, secrets in entries.items():
        if not NAME.fullmatch(name):
            raise PermanentError(f"{name!r} cannot be part of a path. Name it with letters, digits, '.', '_' and '-'.")
        yield name, secrets


def _health_routes(health: Health, metrics: Sequence[Metrics]) -> list[web.RouteDef]:
    async def healthz(_: web.Request) -> web.Response:
        return answers.json({"alive": True})

    async def readyz(_: web.Request) -> web.Response:
        problems = list(await health.problems())
        return answers.json({"ready": not problems, "because": problems}, status=503 if problems else 200)

    async def numbers(_: web.Request) -> web.Response:
        text = server_metrics.render(family for source in metrics for family in source.families())
        return web.Response(body=text.encode(), headers={"Content-Type": server_metrics.CONTENT_TYPE})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", numbers)]


class _Fallback:
    """What answers where no route does, in the one form all refusals have."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._resource = app.router.add_resource("/{path:.*}")
        self._resource.add_route("*", self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        """405 with the methods that are allowed here, or 404 when none is."""
        allowed: set[str] = set()
        for resource in self._app.router.resources():
            if resource is not self._resource:
                allowed |= (await resource.resolve(request))[1]
        if allowed:
            return answers.refusal("method_not_allowed", allow=",".join(sorted(allowed)))
        return answers.refusal("not_found")
