"""Flux events come signed by the one cluster whose path they use, are recent, and become SourceReported.

Source: Flux notification-controller 1.6 (Provider `generic-hmac`, event v1beta1), bodies recorded from it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from bot.errors import PermanentError
from bot.events import Delivery, Parsed, SourceReported, Understood, Unreadable
from bot.receivers.json_edges import Name, Segment, decode, printable, semantic_key, storable_headers
from bot.receivers.signatures import generic_hmac_matches
from bot.receivers.verdicts import Refused, Verified

SIGNATURE = "x-signature"
KEPT_HEADERS = ("gotk-component",)
DEFAULT_MAX_AGE = timedelta(minutes=10)
"""How old an event may be: its retries end after about 30 s, the rest is for clocks. A later copy is a replay."""

REVISION_KEYS = ("commit", "originRevision", "revision")
"""Flux's own order of looking for the revision."""
API_GROUP = "toolkit.fluxcd.io"

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class InvolvedObject(msgspec.Struct):
    """The Flux object an event is about."""

    kind: Name
    name: Segment
    namespace: Segment


class Age(msgspec.Struct):
    """What the age limit needs of an event."""

    timestamp: Moment


class FluxEvent(msgspec.Struct, rename={"involved_object": "involvedObject"}):
    """The fields of an event that are read; `metadata` may be absent."""

    involved_object: InvolvedObject
    timestamp: Moment
    reason: Name
    severity: Name = "info"
    message: str = ""
    metadata: dict[str, str] | None = None


_AGE = msgspec.json.Decoder(Age)
_EVENT = msgspec.json.Decoder(FluxEvent)


class FluxReceiver:
    """The receiver of `/hooks/flux/{cluster}`; several secrets while one is being rotated."""

    def __init__(self, cluster: str, secrets: Sequence[str], max_age: timedelta = DEFAULT_MAX_AGE) -> None:
        """PermanentError for an empty secret."""
        if not all(secrets):
            raise PermanentError(f"a Flux secret of cluster {cluster} is empty: anybody could sign. Set a random one.")
        self._scope = f"cluster:{cluster}"
        self._keys = tuple(secret.encode() for secret in secrets)
        self._max_age = max_age

    def claims(self, headers: Mapping[str, str]) -> bool:
        """Whether a signature came along."""
        return SIGNATURE in headers

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified | Refused:
        """Accept a body signed by this cluster, unless its timestamp lies further from `now` than the limit.

        A body without a readable timestamp is accepted: it cannot be parsed either, so nothing follows from it.
        """
        if SIGNATURE not in headers:
            return Refused(code="no_credential")
        if not generic_hmac_matches(self._keys, headers[SIGNATURE], body):
            return Refused(code="bad_signature")
        age = decode(_AGE, body, "Flux event")
        if not isinstance(age, Unreadable) and abs(now - age.timestamp) > self._max_age:
            return Refused(code="too_old")
        return Verified(
            scope=self._scope,
            # generic-hmac has no delivery id; a retry repeats the very bytes.
            idempotency_key=f"sha256:{hashlib.sha256(body).hexdigest()}",
            headers=storable_headers(headers, KEPT_HEADERS),
            body=body,
        )


def parse(delivery: Delivery) -> Parsed:
    """Say what a stored event means; never raises, whatever its body."""
    event = decode(_EVENT, delivery.body, "Flux event")
    if isinstance(event, Unreadable):
        return event
    about, cluster = event.involved_object, delivery.endpoint.partition("/")[2]
    reported = SourceReported(
        cluster=cluster,
        kind=about.kind,
        namespace=about.namespace,
        name=about.name,
        reason=event.reason,
        severity=event.severity,
        revision=_revision(event.metadata or {}),
        timestamp=event.timestamp,
        message=printable(event.message),
    )
    key = semantic_key(
        "flux",
        cluster,
        f"{about.kind}/{about.namespace}/{about.name}",
        event.reason,
        reported.revision,
        event.timestamp.isoformat(),
    )
    return Understood(events=(reported,), semantic_key=key)


def _revision(metadata: Mapping[str, str]) -> str:
    """The revision an event names, or empty. Keys come bare, or with the API group before a slash."""
    bare = {_without_group(key): value for key, value in metadata.items()}
    return next((printable(bare[key]) for key in REVISION_KEYS if bare.get(key)), "")


def _without_group(key: str) -> str:
    group, slash, name = key.rpartition("/")
    return name if slash and group.endswith(API_GROUP) else key
