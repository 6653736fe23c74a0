"""The controller of Canary objects: one tick per canary and interval, whatever else happens in between."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from bot.errors import PermanentError
from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.flagger.hooks import Hooks
from bot.sandbox.cluster.flagger.looks import Look, Memory
from bot.sandbox.cluster.flagger.measuring import Outcome
from bot.sandbox.cluster.flagger.outcomes import Outcomes
from bot.sandbox.cluster.flagger.plans import Plan, plan_of
from bot.sandbox.cluster.flagger.speaking import Speaker
from bot.sandbox.cluster.flagger.statuses import Statuses
from bot.sandbox.cluster.flagger.ticking import tick
from bot.sandbox.cluster.flagger.workloads import NotReady, Workloads
from bot.sandbox.cluster.kinds import CANARY, DEPLOYMENT
from bot.sandbox.cluster.objects import Change, Objects
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.cluster.rollouts import Pull, Rollouts
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.cluster.statuses import ApiError
from bot.sandbox.documents import Document, path

log = structlog.get_logger()


class Flagger(Controller):
    """Works on every Canary of the cluster."""

    kind = CANARY

    def __init__(
        self,
        objects: Objects,
        recorder: Recorder,
        settings: Settings,
        clock: Callable[[], datetime],
        rollouts: Rollouts,
        pull: Pull,
    ) -> None:
        super().__init__(objects)
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self._rollouts = rollouts
        self._memories: dict[str, Memory] = {}
        self._due: dict[str, float] = {}
        self.outcomes = Outcomes(pull)
        self.hooks = Hooks()
        self.unreadable: dict[str, str] = {}
        """Why Canaries, by `namespace/name`, are left alone."""

    def start(self) -> None:
        """Begin to tick."""
        self.hooks.start()
        super().start()

    async def stop(self) -> None:
        """Stop ticking."""
        await super().stop()
        await self.hooks.stop()

    def hear(self, change: Change) -> None:
        """A deleted Canary takes its primary along, because it owns it; the target stays scaled down."""
        super().hear(change)
        if change.kind is not CANARY or change.after is not None:
            return
        uid = change.last["metadata"]["uid"]
        for deployment in self.objects.all(DEPLOYMENT, change.last["metadata"]["namespace"]):
            owners = path(deployment, "metadata", "ownerReferences") or []
            if any(owner["uid"] == uid for owner in owners):
                self.objects.delete(DEPLOYMENT, deployment["metadata"]["namespace"], deployment["metadata"]["name"])

    async def reconcile(self, document: Document) -> float | None:
        """Tick when it is time; changes of the Canary or its target never bring a tick forward."""
        plan = self._plan(document)
        if plan is None:
            return None
        now = asyncio.get_running_loop().time()
        uid = document["metadata"]["uid"]
        pause = max(self._settings.canary_interval, plan.interval)
        if "status" not in document:
            self._statuses(document).initializing()
            self._due[uid] = now + pause
        if self._due.setdefault(uid, now + pause) > now:
            return self._due[uid] - now
        look = self._look(document, plan)
        self._prepare(look)
        # A canary that is deleted while a hook is awaited has nothing left to write to.
        with suppress(ApiError):
            await tick(look, deadline=min(plan.deadline, self._settings.canary_deadline))
        self._due[uid] = asyncio.get_running_loop().time() + pause
        return pause

    def _plan(self, document: Document) -> Plan | None:
        name = f"{document['metadata']['namespace']}/{document['metadata']['name']}"
        try:
            plan = plan_of(document)
        except PermanentError as error:
            log.error("sandbox cannot work on canary", canary=name, reason=str(error))
            self.unreadable[name] = str(error)
            self._recorder.keep(document, "Warning", "Synced", str(error), controller="flagger")
            return None
        self.unreadable.pop(name, None)
        return plan

    def _look(self, document: Document, plan: Plan) -> Look:
        meta = document["metadata"]
        workloads = Workloads(self.objects, document, plan.target)
        return Look(
            canary=document,
            plan=plan,
            hooks=self.hooks,
            speaker=Speaker(document, plan, self.hooks, self._recorder, self._clock),
            statuses=self._statuses(document),
            workloads=workloads,
            memory=self._memories.setdefault(meta["uid"], Memory()),
            outcome=self._outcome(document, workloads),
        )

    def _outcome(self, document: Document, workloads: Workloads) -> Outcome:
        meta = document["metadata"]
        try:
            images = workloads.images()
        except NotReady:
            images = ()
        return self.outcomes.of(meta["namespace"], meta["name"], images)

    def _prepare(self, look: Look) -> None:
        """A canary that is to hang must not find its pods ready when the target is scaled up."""
        namespace = look.canary["metadata"]["namespace"]
        self._rollouts.hold(namespace, look.plan.target, held=look.outcome == "hang")

    def _statuses(self, document: Document) -> Statuses:
        return Statuses(document, self.objects, self._clock)
