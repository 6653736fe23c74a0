"""Events said by controllers: kept as Kubernetes Events on the object, and posted to notification-controller."""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.sandbox.cluster.kinds import EVENT
from bot.sandbox.cluster.notices import Notice, Severity, notice
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.documents import Document, seconds_text

# A real API server drops Events after an hour; a number keeps the sandbox small.
KEPT = 500


class Recorder:
    """Says events for all controllers of the cluster."""

    def __init__(self, objects: Objects, clock: Callable[[], datetime], post: Callable[[Notice], None]) -> None:
        self._objects = objects
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
        """A Kubernetes Event alone; `kind` is Normal or Warning."""
        meta, now = document["metadata"], seconds_text(self._clock())
        namespace = meta.get("namespace") or "default"
        name = f"{meta['name']}.{secrets.token_hex(8)}"
        involved = {key: meta[key] for key in ("namespace", "name", "uid", "resourceVersion") if key in meta}
        involved |= {"kind": document["kind"], "apiVersion": document["apiVersion"]}
        event = {
            "metadata": {"name": name},
            "involvedObject": involved,
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "source": {"component": controller},
            "reportingComponent": controller,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
        }
        self._objects.create(EVENT, namespace, event)
        self._kept.append((namespace, name))
        if len(self._kept) > KEPT:
            oldest = self._kept.popleft()
            if self._objects.find(EVENT, *oldest) is not None:
                self._objects.delete(EVENT, *oldest)
