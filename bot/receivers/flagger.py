"""Flagger's hooks and gate questions carry their token in `metadata.token`, which is cut out before anything is stored.

Flagger signs nothing and sends no header of ours, and bodies of different hook types are equal: the path alone tells
them apart. Source: Flagger 1.41, `pkg/controller/webhook.go`, bodies recorded from it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import msgspec

from bot.events import CanaryReported, Delivery, Parsed, Understood, Unreadable
from bot.receivers.json_edges import Line, Name, Segment, decode, printable, semantic_key
from bot.receivers.tokens import LiveTokens, digest_of
from bot.receivers.verdicts import Refused, Verified

Hook = Literal["event", "pre-rollout", "rollout", "post-rollout"]
GateName = Literal["confirm-rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"]
HOOKS: tuple[Hook, ...] = get_args(Hook)
GATES: tuple[GateName, ...] = get_args(GateName)
CUT_OUT = "***"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_MILLISECONDS = 14
"""Digits of a moment in milliseconds before the year 5138; a longer number is no moment."""


class CanaryBody(msgspec.Struct):
    """The fields of every Flagger body; events add `eventMessage` and `timestamp` (Unix ms) to the metadata.

    phase is that of the canary when the tick began: a rollback arrives in `Progressing`, an ended promotion in
    `Finalising`. It is kept as any word, because nothing is decided by it.
    """

    name: Segment
    namespace: Segment
    phase: Name
    checksum: Line = ""
    metadata: dict[str, str] | None = None


_CANARY = msgspec.json.Decoder(CanaryBody)
_ANY_OBJECT = msgspec.json.Decoder(dict[str, Any])


class FlaggerReceiver:
    """The receiver of one cluster's hooks and gates; several tokens while one is being rotated."""

    def __init__(self, cluster: str, tokens: Sequence[str]) -> None:
        """PermanentError for an empty token."""
        self._scope = f"cluster:{cluster}"
        self._tokens = LiveTokens.of(tokens)

    def claims(self, headers: Mapping[str, str]) -> bool:
        """Always: the token is inside the body, which has a small cap of its own."""
        return True

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified | Refused:
        """Accept a JSON object whose `metadata.token` is live."""
        content = decode(_ANY_OBJECT, body, "Flagger body")
        metadata = {} if isinstance(content, Unreadable) else content.get("metadata")
        token = metadata.get("token") if isinstance(metadata, dict) else None
        if isinstance(content, Unreadable) or not isinstance(token, str):
            return Refused(code="no_credential")
        if not self._tokens.match(digest_of(token)):
            return Refused(code="bad_token")
        return Verified(scope=self._scope, idempotency_key="", headers={}, body=_without_token(content))


def parse(delivery: Delivery) -> Parsed:
    """Say what a stored hook or gate question means; never raises, whatever its body."""
    _, _, rest = delivery.endpoint.partition("/")
    cluster, _, hook = rest.partition("/")
    canary = read_canary(cluster, hook, delivery.body)
    if isinstance(canary, Unreadable):
        return canary
    event, timestamp = canary
    key = semantic_key(
        "flagger", cluster, hook, f"{event.namespace}/{event.name}", event.phase, event.checksum, timestamp
    )
    return Understood(events=(event,), semantic_key=key)


def read_canary(cluster: str, hook: str, body: bytes) -> tuple[CanaryReported, str] | Unreadable:
    """The canary a body is about, and its `metadata.timestamp` (Unix ms as text, empty but for events)."""
    canary = decode(_CANARY, body, "Flagger body")
    if isinstance(canary, Unreadable):
        return canary
    metadata = canary.metadata or {}
    event = CanaryReported(
        cluster=cluster,
        hook=hook,
        namespace=canary.namespace,
        name=canary.name,
        phase=canary.phase,
        checksum=canary.checksum,
        message=printable(metadata.get("eventMessage", "")),
        severity=printable(metadata.get("eventType", "")),
        said_at=moment(metadata.get("timestamp", "")),
    )
    return event, printable(metadata.get("timestamp", ""))


def moment(milliseconds: str) -> datetime | None:
    """Since 1970, as Flagger writes it; None for a text that is no such number."""
    if not (milliseconds.isascii() and milliseconds.isdecimal()) or len(milliseconds) > LONGEST_MILLISECONDS:
        return None
    return EPOCH + timedelta(milliseconds=int(milliseconds))


def _without_token(content: dict[str, Any]) -> bytes:
    # Encoded anew instead of replaced in place: an escaped or repeated token would survive a search for its text.
    return msgspec.json.encode(content | {"metadata": content["metadata"] | {"token": CUT_OUT}})
