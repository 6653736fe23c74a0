"""An embedded cluster: a Kubernetes API subset over HTTP with Flux's controllers and Flagger's behind it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web

from bot.sandbox.cluster.access import Access, User
from bot.sandbox.cluster.api import PUBLIC, Api
from bot.sandbox.cluster.controller import REQUESTED, Controller
from bot.sandbox.cluster.flagger.controller import Flagger
from bot.sandbox.cluster.images.automation import Automations
from bot.sandbox.cluster.images.reflector import Policies, Scans
from bot.sandbox.cluster.kinds import KINDS, kind_of
from bot.sandbox.cluster.kubeconfig import write_kubeconfig
from bot.sandbox.cluster.kustomizations import Kustomizations
from bot.sandbox.cluster.notifications import Notifications
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.receivers import Receivers
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.cluster.rollouts import Outcome, Pull, Rollouts
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.cluster.source import Sources
from bot.sandbox.cluster.watching import Watches
from bot.sandbox.documents import Document
from bot.sandbox.serving import Listener
from bot.sandbox.traffic import Traffic

__all__ = ["Cluster", "Settings"]


class Cluster:
    """One cluster. `objects` is its state, `settings` its speed; both may be used while it runs."""

    def __init__(
        self,
        name: str,
        data_dir: Path,
        clock: Callable[[], datetime],
        *,
        users: tuple[User, ...],
        pull: Pull,
        settings: Settings | None = None,
    ) -> None:
        self.name = name
        self.kubeconfig = data_dir / "kubeconfig"
        self.settings = settings or Settings()
        self.objects = Objects(clock)
        self.traffic = Traffic()
        self.notifications = Notifications(self.objects, self.settings)
        self._clock = clock
        self._users = users
        self._build_controllers(data_dir, pull)
        self._watches = Watches(self.objects, bookmark_every=self.settings.bookmark_every)
        self._api = Api(self.objects, Access(users), self._watches)
        self._listener = Listener(self._application())

    def _build_controllers(self, data_dir: Path, pull: Pull) -> None:
        objects, settings, clock = self.objects, self.settings, self._clock
        recorder = Recorder(objects, clock, self.notifications.post, settings)
        self.notifications.failed = lambda alert, message: recorder.keep(
            alert, "Warning", "NotificationDispatchFailed", message, controller="notification-controller"
        )
        self.sources = Sources(objects, recorder, settings, clock, data_dir / "sources")
        self.kustomizations = Kustomizations(objects, recorder, settings, clock, self.sources.artifacts)
        self.rollouts = Rollouts(objects, settings, clock, pull)
        self.flagger = Flagger(objects, recorder, settings, clock, self.rollouts, pull)
        self.scans = Scans(objects, recorder, settings, clock)
        self.policies = Policies(objects, recorder, settings, clock, self.scans)
        self.automations = Automations(objects, recorder, settings, clock, data_dir / "automations")
        self.receivers = Receivers(objects, clock)
        self._controllers: tuple[Controller, ...] = (
            self.rollouts,
            self.flagger,
            self.receivers,
            self.sources,
            self.kustomizations,
            self.scans,
            self.policies,
            self.automations,
        )

    def _application(self) -> web.Application:
        middlewares = [self.traffic.middleware(), self._api.authenticated]
        app = web.Application(middlewares=middlewares, client_max_size=8 * 1024 * 1024)
        app.router.add_post(f"{PUBLIC}{{digest}}", self.receivers.answer)
        app.add_routes(self._api.routes())
        return app

    @property
    def url(self) -> str:
        """The API server's address."""
        return self._listener.url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve the API, write the kubeconfig, start the controllers."""
        await self._listener.start(host, port)
        write_kubeconfig(self.kubeconfig, cluster=self.name, server=self.url, users=self._users)
        self.notifications.start()
        for controller in self._controllers:
            controller.start()

    async def stop(self) -> None:
        """Stop all of it; raises what made a controller crash, because that is a defect of the sandbox."""
        await asyncio.gather(*(controller.stop() for controller in self._controllers))
        await self.notifications.stop()
        await self._listener.stop()
        crashed = [error for controller in self._controllers for error in controller.crashed]
        if crashed:
            raise crashed[0]

    def put(self, document: Document) -> Document:
        """Create an object, or replace whatever version of it is there. Raises ApiError, KeyError for its kind."""
        kind = kind_of(document["apiVersion"], document["kind"])
        if kind is None:
            raise KeyError(f"{document['apiVersion']} {document['kind']} is not served")
        meta = {key: value for key, value in document["metadata"].items() if key != "resourceVersion"}
        current = self.objects.find(kind, meta.get("namespace", ""), meta["name"])
        if current is None:
            return self.objects.create(kind, meta.get("namespace", ""), document)
        return self.objects.update(kind, {**document, "metadata": {**current["metadata"], **meta}})

    def reconcile(self, kind: str, namespace: str, name: str) -> None:
        """Ask for a reconciliation as `flux reconcile` does, by annotation."""
        served = next(one for one in KINDS if one.kind == kind)
        document = self.objects.get(served, namespace, name)
        document["metadata"].setdefault("annotations", {})[REQUESTED] = self._clock().isoformat()
        self.objects.update(served, document)

    async def rescan(self, times: int = 1) -> None:
        """Let image automation look: scan, select, write; `times` whole looks, one after the other."""
        for _ in range(times):
            for controller in (self.scans, self.policies, self.automations):
                await controller.look()

    def set_outcome(self, image: str, outcome: Outcome) -> None:
        """Decide what happens to pods of an image, `repository:tag`."""
        self.rollouts.set_outcome(image, outcome)

    def expire_watches(self, *, refuse_next: int = 0) -> int:
        """End every open watch with 410 and forget the history; how many. `refuse_next` watches get HTTP 410."""
        self._api.lists.forget()
        self._api.gone_watches = refuse_next
        return self._watches.expire()
