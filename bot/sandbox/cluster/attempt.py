"""One reconciliation of a Kustomization: its status under work, its events and its entry in the history."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from bot.sandbox.cluster.conditions import Conditions
from bot.sandbox.cluster.controller import REQUESTED
from bot.sandbox.cluster.durations import go_duration, seconds_of
from bot.sandbox.cluster.kinds import KUSTOMIZATION
from bot.sandbox.cluster.notices import Severity
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.documents import Document, path, seconds_text

NAME = "kustomize-controller"
# fluxcd/pkg/apis/meta, history.go: HistoryMaxSize.
SNAPSHOTS = 5


class Attempt:
    """What a reconciliation carries from step to step (kustomize-controller 1.6, kustomization_controller.go)."""

    def __init__(self, document: Document, objects: Objects, recorder: Recorder, clock: Callable[[], datetime]) -> None:
        self.document = document
        self.status: Document = document.get("status") or {}
        self.conditions = Conditions(self.status, generation=document["metadata"]["generation"], now=clock())
        self.revision = ""
        self.digest = ""
        self.drifted = False
        self._objects = objects
        self._recorder = recorder
        self._clock = clock
        self._began = self._checking = asyncio.get_running_loop().time()

    def progress(self, message: str) -> None:
        """Say in the Reconciling condition what goes on."""
        self.conditions.mark("Reconciling", "True", "Progressing", message)
        self.patch()

    def patch(self) -> None:
        """Write the status; the object's version in later events is the written one."""
        meta = self.document["metadata"]
        stored = self._objects.set_status(KUSTOMIZATION, meta["namespace"], meta["name"], self.status)
        if stored is not None:
            meta["resourceVersion"] = stored["metadata"]["resourceVersion"]

    def say(self, severity: Severity, message: str, *, commit_status: bool = False) -> None:
        """Emit an event; its reason is the Ready condition's at this moment."""
        metadata = {"revision": self.revision, "commit_status": "update" if commit_status else ""}
        reason = self.conditions.reason("Ready") or severity
        self._recorder.say(self.document, severity, reason, message, controller=NAME, metadata=metadata)

    def begin_check(self) -> None:
        """Health checks start now."""
        self._checking = asyncio.get_running_loop().time()

    def since_check(self) -> str:
        """How long the health checks run, as Go writes it."""
        return go_duration(asyncio.get_running_loop().time() - self._checking)

    def remember(self, verdict: str) -> None:
        """Add to the history: one snapshot per digest and verdict, the latest first, at most five."""
        history: list[Document] = self.status.setdefault("history", [])
        now = seconds_text(self._clock())
        old = next(
            (one for one in history if (one["digest"], one["lastReconciledStatus"]) == (self.digest, verdict)), None
        )
        snapshot = {
            "digest": self.digest,
            "firstReconciled": now if old is None else old["firstReconciled"],
            "lastReconciled": now,
            "lastReconciledDuration": self._elapsed(),
            "lastReconciledStatus": verdict,
            "totalReconciliations": 1 if old is None else old["totalReconciliations"] + 1,
            "metadata": {"revision": self.revision},
        }
        self.status["history"] = [snapshot, *[one for one in history if one is not old]][:SNAPSHOTS]

    def fail(self, reason: str, message: str) -> None:
        """End with a failure: Ready False, Reconciling with retry, an error event."""
        self.conditions.mark("Ready", "False", reason, message)
        self.finish()
        self.say("error", message)

    def succeed(self, interval: str) -> None:
        """End well; also a reconciliation that changed nothing says so, with commit_status."""
        self.finish()
        every = go_duration(seconds_of(interval))
        self.say("info", f"Reconciliation finished in {self._elapsed()}, next run in {every}", commit_status=True)

    def finish(self) -> None:
        """Settle conditions and observed generation, and write the status."""
        requested = path(self.document, "metadata", "annotations", REQUESTED)
        if requested:
            self.status["lastHandledReconcileAt"] = requested
        if self.conditions.is_true("Ready"):
            self.conditions.drop("Reconciling")
            self.status["observedGeneration"] = self.document["metadata"]["generation"]
        reconciling = self.conditions.find("Reconciling")
        if reconciling is not None:
            reconciling["reason"] = "ProgressingWithRetry"
        self.patch()

    def _elapsed(self) -> str:
        return go_duration(asyncio.get_running_loop().time() - self._began)
