"""Flux events: what a controller says about an object, and the exact bytes notification-controller delivers of it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.sandbox.documents import Document, path, seconds_text

EVENT_GROUP = "event.toolkit.fluxcd.io"
# notification-controller, internal/server/event_handlers.go (cleanupMetadata).
DROPPED = frozenset({"checksum", "digest", "token"})
Severity = Literal["info", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event as a controller posts it to notification-controller; metadata keys still have their group prefix."""

    involved: Document
    severity: Severity
    at: datetime
    message: str
    reason: str
    metadata: Mapping[str, str]
    controller: str
    annotations: Mapping[str, str]

    @property
    def kind(self) -> str:
        """The involved object's kind."""
        return str(self.involved["kind"])

    @property
    def namespace(self) -> str:
        """The involved object's namespace."""
        return str(self.involved["namespace"])

    @property
    def name(self) -> str:
        """The involved object's name."""
        return str(self.involved["name"])

    def dedupe_key(self) -> str:
        """What makes two events the same for the rate limit: neither reason nor severity is in it.

        notification-controller, internal/server/event_server.go (getEventKey).
        """
        kept = self.cleaned()
        parts = ["event", self.name, self.namespace, self.kind, self.message]
        parts += [kept[key] for key in ("originRevision", "revision") if key in kept]
        return "/".join(parts)

    def cleaned(self) -> dict[str, str]:
        """The metadata that survives: prefixed with the object's group, the prefix taken off."""
        prefix = f"{str(self.involved['apiVersion']).partition('/')[0]}/"
        found = {key.removeprefix(prefix): value for key, value in self.metadata.items() if key.startswith(prefix)}
        return {key: value for key, value in found.items() if key not in DROPPED}


def notice(
    document: Document,
    *,
    severity: Severity,
    reason: str,
    message: str,
    controller: str,
    at: datetime,
    metadata: Mapping[str, str] | None = None,
) -> Notice:
    """An event about an object; metadata keys are given bare and get the object's group as prefix."""
    meta = document["metadata"]
    group = document["apiVersion"].partition("/")[0]
    involved = {
        "kind": document["kind"],
        "namespace": meta.get("namespace", ""),
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": document["apiVersion"],
        "resourceVersion": meta["resourceVersion"],
    }
    return Notice(
        involved=involved,
        severity=severity,
        at=at,
        message=message,
        reason=reason,
        metadata={f"{group}/{key}": value for key, value in (metadata or {}).items() if value},
        controller=controller,
        annotations=path(document, "metadata", "annotations") or {},
    )


def delivered(event: Notice, event_metadata: Mapping[str, str], summary: str = "") -> Document:
    """The body an Alert sends: object annotations, then the Alert's, then the controller's, later ones win."""
    prefix = f"{EVENT_GROUP}/"
    annotated = {key.removeprefix(prefix): value for key, value in event.annotations.items() if key.startswith(prefix)}
    summarised = {"summary": summary} if summary else {}
    metadata = {**annotated, **event_metadata, **summarised, **event.cleaned()}
    body: Document = {
        "involvedObject": event.involved,
        "severity": event.severity,
        "timestamp": seconds_text(event.at),
        "message": event.message,
        "reason": event.reason,
    }
    if metadata:
        body["metadata"] = dict(sorted(metadata.items()))
    return body | {"reportingController": event.controller, "reportingInstance": f"{event.controller}-0"}


def go_json(document: Document) -> bytes:
    """JSON as Go's encoder writes it: no spaces, and < > & escaped (encoding/json, HTMLEscape)."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def signature(body: bytes, secret: str) -> str:
    """The X-Signature of a generic-hmac provider (notification-controller, internal/notifier/forwarder.go)."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
