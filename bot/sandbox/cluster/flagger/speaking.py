"""What Flagger says of a canary: a Kubernetes Event and, for each `event` webhook, a call; both from one sentence."""

from collections.abc import Callable
from datetime import datetime

from bot.sandbox.cluster.flagger.hooks import Hooks
from bot.sandbox.cluster.flagger.plans import Plan
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.documents import Document, path

REASON = "Synced"


class Speaker:
    """Says sentences about one canary as it was when the tick began, because that is what Flagger has at hand."""

    def __init__(
        self, canary: Document, plan: Plan, hooks: Hooks, recorder: Recorder, clock: Callable[[], datetime]
    ) -> None:
        self.canary = canary
        self._plan = plan
        self._hooks = hooks
        self._recorder = recorder
        self._clock = clock

    async def info(self, message: str, *, phase: str | None = None) -> None:
        """A Normal event. `phase` where it is not that of the tick's beginning."""
        await self._say("Normal", message, phase)

    async def warn(self, message: str, *, phase: str | None = None) -> None:
        """A Warning event."""
        await self._say("Warning", message, phase)

    async def _say(self, kind: str, message: str, phase: str | None) -> None:
        self._recorder.keep(self.canary, kind, REASON, message, controller="flagger")
        said = {
            "eventMessage": message,
            "eventType": kind,
            "timestamp": str(int(self._clock().timestamp() * 1000)),
        }
        told = path(self.canary, "status", "phase") or ""
        for hook in self._plan.hooks("event"):
            # The webhook's own metadata never replaces these three.
            await self._hooks.call(hook, self.canary, phase or told, {**hook.metadata, **said})
