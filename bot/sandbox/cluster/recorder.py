"""Events said by controllers: kept as Kubernetes Events on the object, and posted to notification-controller."""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.sandbox.cluster.correlating import Correlator, Said
from bot.sandbox.cluster.kinds import EVENT
from bot.sandbox.cluster.notices import Notice, Severity, notice
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.documents import Document, seconds_text

# A real API server drops Events after an hour; a number keeps the sandbox small.
KEPT = 500


class Recorder:
    """Says events for all controllers of the cluster."""

    def __init__(
        self,
        objects: Objects,
        clock: Callable[[], datetime],
        post: Callable[[Notice], None],
        settings: Settings | None = None,
    ) -> None:
        self._objects = objects
        self._correlator = Correlator(settings or Settings())
        self._clock = clock
        self._post = post
        self._kept: deque[tuple[str, str]] = deque()

    def say(
        self,
        document: Document,
        severity: Severity,
        reason: str,
        message: str,
        *,
        controller: str,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """An event of a Flux controller; metadata keys without prefix, empty values are left out."""
        said = notice(
            document,
            severity=severity,
            reason=reason,
            message=message,
            controller=controller,
            at=self._clock(),
            metadata=metadata,
        )
        self.keep(document, "Warning" if severity == "error" else "Normal", reason, message, controller=controller)
        self._post(said)

    def keep(self, document: Document, kind: str, reason: str, message: str, *, controller: str) -> None:
        """A Kubernetes Event alone; `kind` is Normal or Warning. An equal one is counted, not said again."""
        meta, now = document["metadata"], self._clock()
        said = Said(controller=controller, uid=meta["uid"], kind=kind, reason=reason, message=message[:1024])
        told = self._correlator.correlate(said, now)
        if told is None:
            return
        namespace = meta.get("namespace") or "default"
        current = self._objects.find(EVENT, namespace, told.name) if told.name else None
        if current is not None:
            fresh = {"message": told.message, "count": told.count, "lastTimestamp": seconds_text(now)}
            self._objects.update(EVENT, current | fresh)
            return
        name = f"{meta['name']}.{secrets.token_hex(8)}"
        self._correlator.named(told, name)
        event = _event(document, said, told.message, seconds_text(now))
        self._objects.create(EVENT, namespace, {"metadata": {"name": name}, **event})
        self._forget_oldest((namespace, name))

    def _forget_oldest(self, newest: tuple[str, str]) -> None:
        self._kept.append(newest)
        if len(self._kept) > KEPT:
            oldest = self._kept.popleft()
            if self._objects.find(EVENT, *oldest) is not None:
                self._objects.delete(EVENT, *oldest)


def _event(document: Document, said: Said, message: str, now: str) -> Document:
    meta = document["metadata"]
    involved = {key: meta[key] for key in ("namespace", "name", "uid", "resourceVersion") if key in meta}
    return {
        "involvedObject": involved | {"kind": document["kind"], "apiVersion": document["apiVersion"]},
        "type": said.kind,
        "reason": said.reason,
        "message": message,
        "source": {"component": said.controller},
        "reportingComponent": said.controller,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }
