"""A Canary's status as Flagger writes it: phase, weight, counters, the two hashes and one condition."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from bot.sandbox.cluster.kinds import CANARY
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.documents import Document, path, seconds_text

Phase = Literal[
    "Initializing",
    "Initialized",
    "Waiting",
    "Progressing",
    "WaitingPromotion",
    "Promoting",
    "Finalising",
    "Succeeded",
    "Failed",
]
# Flagger, pkg/canary/status.go (MakeStatusConditions).
MESSAGES: dict[Phase, tuple[str, str]] = {
    "Initializing": ("Unknown", "New Deployment detected, starting initialization."),
    "Initialized": ("True", "Deployment initialization completed."),
    "Waiting": ("Unknown", "Waiting for approval."),
    "Progressing": ("Unknown", "New revision detected, starting canary analysis."),
    "WaitingPromotion": ("Unknown", "Waiting for approval."),
    "Promoting": ("Unknown", "Canary analysis completed, starting primary rolling update."),
    "Finalising": ("Unknown", "Canary analysis completed, routing all traffic to primary."),
    "Succeeded": ("True", "Canary analysis completed successfully, promotion finished."),
    "Failed": ("False", "Canary analysis failed, Deployment scaled to zero."),
}


class Statuses:
    """Writes the status of one canary; the document of the tick stays as it was read."""

    def __init__(self, canary: Document, objects: Objects, clock: Callable[[], datetime]) -> None:
        meta = canary["metadata"]
        self._key: tuple[str, str] = (meta["namespace"], meta["name"])
        self._objects = objects
        self._clock = clock

    def initializing(self) -> None:
        """Take a new Canary on."""
        self._write("Initializing", {"canaryWeight": 0, "failedChecks": 0, "iterations": 0})

    def sync(self, phase: Phase, applied: str, *, keep_counters: bool = False) -> None:
        """Note the target's present template, and begin to count from zero."""
        changes: Document = {"lastAppliedSpec": applied, "trackedConfigs": {}}
        if not keep_counters:
            changes |= {"canaryWeight": 0, "failedChecks": 0, "iterations": 0}
        if phase == "Initialized":
            changes["lastPromotedSpec"] = applied
        self._write(phase, changes)

    def move(self, phase: Phase, *, iterations: int = 0) -> None:
        """Go on to a phase. `iterations` is what an analysis that waits for its promotion falls back to."""
        changes: Document = {}
        if phase not in ("Progressing", "Waiting"):
            changes = {"canaryWeight": 0, "iterations": iterations if phase == "WaitingPromotion" else 0}
        if phase == "Succeeded":
            changes["lastPromotedSpec"] = self._status().get("lastAppliedSpec", "")
        self._write(phase, changes)

    def count(self, field: Literal["canaryWeight", "failedChecks", "iterations"], value: int) -> None:
        """Set one number."""
        self._write(None, {field: value})

    def _status(self) -> Document:
        found = self._objects.find(CANARY, *self._key)
        status: Document = path(found or {}, "status") or {}
        return status

    def _write(self, phase: Phase | None, changes: Document) -> None:
        now = seconds_text(self._clock())
        status = self._status() | changes | {"lastTransitionTime": now}
        if phase is not None:
            status["phase"] = phase
            status["conditions"] = [_condition(phase, status.get("conditions") or [], now)]
        self._objects.set_status(CANARY, *self._key, status)


def _condition(phase: Phase, before: list[Document], now: str) -> Document:
    verdict, message = MESSAGES[phase]
    old = before[0] if before else {}
    if (old.get("status"), old.get("reason")) == (verdict, phase):
        return old
    since = old["lastTransitionTime"] if old.get("status") == verdict else now
    return {
        "type": "Promoted",
        "status": verdict,
        "lastUpdateTime": now,
        "lastTransitionTime": since,
        "reason": phase,
        "message": message,
    }
