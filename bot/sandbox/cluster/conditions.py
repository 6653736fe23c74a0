"""Status conditions as Flux keeps them: one per type, its transition time changed only with its status."""

from datetime import datetime
from typing import Literal

from bot.sandbox.documents import Document, seconds_text

Verdict = Literal["True", "False", "Unknown"]
# fluxcd/pkg/runtime/conditions, setter.go: Ready leads, then Stalled and Reconciling, the others by name.
ORDER = {"Ready": 0, "Stalled": 1, "Reconciling": 2}


class Conditions:
    """The conditions of one status under work. `status` is changed in place."""

    def __init__(self, status: Document, *, generation: int, now: datetime) -> None:
        self._kept: list[Document] = status.setdefault("conditions", [])
        self._generation = generation
        self._now = seconds_text(now)

    def mark(self, kind: str, verdict: Verdict, reason: str, message: str) -> None:
        """Set a condition."""
        old = self.find(kind)
        changed = old is None or old["status"] != verdict
        since = self._now if old is None or changed else old["lastTransitionTime"]
        fresh = {
            "type": kind,
            "status": verdict,
            "reason": reason,
            "message": message,
            "lastTransitionTime": since,
            "observedGeneration": self._generation,
        }
        self.drop(kind)
        self._kept.append(fresh)
        self._kept.sort(key=lambda one: (ORDER.get(one["type"], 9), one["type"]))

    def drop(self, kind: str) -> None:
        """Remove a condition, if it is there."""
        self._kept[:] = [one for one in self._kept if one["type"] != kind]

    def find(self, kind: str) -> Document | None:
        """The condition of a type."""
        return next((one for one in self._kept if one["type"] == kind), None)

    def is_true(self, kind: str) -> bool:
        """Whether a condition stands and is True."""
        found = self.find(kind)
        return found is not None and found["status"] == "True"

    def reason(self, kind: str) -> str:
        """A condition's reason, or nothing."""
        found = self.find(kind)
        return "" if found is None else str(found["reason"])


def is_ready(document: Document) -> bool:
    """Whether an object's Ready condition is True."""
    conditions = (document.get("status") or {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
