"""The control API: the hand that makes releases, outages and clocks in the sandbox, for whoever has its token."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.errors import PermanentError
from bot.sandbox import control_forms as forms
from bot.sandbox.cluster.statuses import ApiError
from bot.sandbox.disturbances import Disturbances
from bot.sandbox.documents import Document
from bot.sandbox.serving import Listener

if TYPE_CHECKING:
    from bot.sandbox.sandbox import Sandbox

F = TypeVar("F", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The control API of one sandbox, on a port of its own. docs/sandbox.md describes every route."""

    def __init__(self, sandbox: "Sandbox", token: str) -> None:
        self._sandbox = sandbox
        self._token = token
        self._disturbances = Disturbances(sandbox)
        app = web.Application(middlewares=[self._authenticated])
        app.add_routes(self._routes())
        self._listener = Listener(app)

    @property
    def url(self) -> str:
        """Where it listens; the token is not part of it."""
        return self._listener.url

    async def start(self, host: str) -> None:
        """Listen on a free port."""
        await self._listener.start(host)

    async def stop(self) -> None:
        """Stop listening; faults that were to end by themselves end now."""
        self._disturbances.stop()
        await self._listener.stop()

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/releases", self._release),
            web.post("/control/images", self._image),
            web.post("/control/pipelines", self._pipeline),
            web.post("/control/canaries", self._canary),
            web.get("/control/canaries", self._canaries),
            web.post("/control/workloads", self._workload),
            web.post("/control/hooks", self._hooks),
            web.post("/control/faults", self._fault),
            web.delete("/control/faults", self._clear_faults),
            web.post("/control/clock", self._clock),
            web.get("/control/clock", self._time),
            web.get("/control/counters", self._counters),
            web.post("/control/counters/reset", self._reset_counters),
            web.post("/control/registry/rescan", self._rescan),
            web.post("/control/cluster/expire-watches", self._expire_watches),
            web.post("/control/cluster/reconcile", self._reconcile),
            web.post("/control/cluster/speed", self._speed),
            web.post("/control/bot", self._bot),
        ]

    async def _release(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.ReleaseForm)
        released = await self._sandbox.release(form.version, changes=form.changes, outcome=form.outcome, salt=form.salt)
        return _json(
            {
                "version": released.version,
                "commit": released.commit,
                "image": released.image,
                "digest": released.digest,
            },
            status=201,
        )

    async def _image(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.ImageForm)
        pushed = self._sandbox.releasing.push(form.version, form.commit, salt=form.salt)
        return _json({"image": pushed.image, "digest": pushed.digest}, status=201)

    async def _pipeline(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.PipelineForm)
        self._sandbox.gitlab.set_pipeline_result(form.sha, form.status, after=form.after)
        return _json({})

    async def _canary(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.CanaryForm)
        image = self._image_of(form.image) if form.image else ""
        self._sandbox.cluster.flagger.outcomes.decide(form.namespace, form.name, form.outcome, image=image)
        return await self._canaries(request)

    async def _canaries(self, _: web.Request) -> web.StreamResponse:
        return _json(dict(self._sandbox.cluster.flagger.outcomes.listed()))

    async def _workload(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.WorkloadForm)
        image = self._image_of(form.image)
        self._sandbox.cluster.set_outcome(image, form.outcome)
        return _json({"image": image, "outcome": form.outcome})

    def _image_of(self, text: str) -> str:
        """A version alone is one of demo-service."""
        return text if "/" in text else f"{self._sandbox.releasing.image}:{text}"

    async def _hooks(self, request: web.Request) -> web.StreamResponse:
        document = await _document(request)
        form = _checked(forms.HooksForm, {"hooks": document})
        self._disturbances.disturb_hooks(form.hooks)
        return _json({})

    async def _fault(self, request: web.Request) -> web.StreamResponse:
        self._disturbances.add(await _read(request, forms.FaultForm))
        return _json({})

    async def _clear_faults(self, _: web.Request) -> web.StreamResponse:
        self._disturbances.clear()
        return _json({})

    async def _clock(self, request: web.Request) -> web.StreamResponse:
        self._disturbances.move_clock(await _read(request, forms.ClockForm))
        return await self._time(request)

    async def _time(self, _: web.Request) -> web.StreamResponse:
        return _json({"now": self._sandbox.clock.now().isoformat()})

    async def _counters(self, _: web.Request) -> web.StreamResponse:
        return _json(self._disturbances.counters())

    async def _reset_counters(self, _: web.Request) -> web.StreamResponse:
        self._disturbances.reset_counters()
        return _json({})

    async def _rescan(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.RescanForm)
        await self._sandbox.cluster.rescan(form.times)
        return _json({"times": form.times})

    async def _expire_watches(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.WatchesForm)
        return _json({"expired": self._sandbox.cluster.expire_watches(refuse_next=form.refuse_next)})

    async def _reconcile(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.ReconcileForm)
        self._sandbox.cluster.reconcile(form.kind, form.namespace, form.name)
        return _json({})

    async def _speed(self, request: web.Request) -> web.StreamResponse:
        form = await _read(request, forms.SpeedForm)
        for name, value in form.model_dump(exclude_none=True).items():
            setattr(self._sandbox.cluster.settings, name, value)
        return _json({})

    async def _bot(self, request: web.Request) -> web.StreamResponse:
        await self._sandbox.set_bot_url((await _read(request, forms.BotForm)).url)
        return _json({})

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return _json({"error": "the control API takes `Authorization: Bearer <control_token>`"}, status=401)
        try:
            return await handler(request)
        except PermanentError as error:
            return _json({"error": str(error)}, status=422)
        except ApiError as error:
            return _json({"error": str(error)}, status=error.code)


def _json(document: Document, *, status: int = 200) -> web.Response:
    return web.json_response(document, status=status)


async def _document(request: web.Request) -> object:
    text = await request.text()
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise PermanentError(f"the body is not JSON: {error}") from error


async def _read(request: web.Request, form: type[F]) -> F:
    return _checked(form, await _document(request))


def _checked(form: type[F], document: object) -> F:
    try:
        return form.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise PermanentError(f"the request cannot be read: {problems}. See docs/sandbox.md") from error
