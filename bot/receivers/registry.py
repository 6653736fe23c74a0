"""A registry's notification, with the token of that registry in `Authorization`, becomes ImagePushed for each tag.

Source: distribution (registry 2.x and 3.x) "Work with notifications": an envelope `{"events": […]}`; the header is
whatever the operator configures on the endpoint, here `Authorization: Bearer <token>` (Harbor sends it bare).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bot.events import Delivery, ImagePushed, Parsed, Understood, Unheard, Unreadable
from bot.receivers.json_edges import Line, Name, decode, semantic_key
from bot.receivers.tokens import LiveTokens, digest_of
from bot.receivers.verdicts import Refused, Verified

AUTHORIZATION = "authorization"
BEARER = "bearer "


class Target(msgspec.Struct):
    """What was pushed or pulled; layers and untagged manifests have no tag."""

    repository: Line = ""
    digest: Line = ""
    tag: Line = ""


class RegistryEvent(msgspec.Struct):
    """One event of an envelope."""

    action: Name
    target: Target
    id: Line = ""


class Envelope(msgspec.Struct):
    """A notification; several events may share one."""

    events: list[RegistryEvent]


_ENVELOPE = msgspec.json.Decoder(Envelope)


class RegistryReceiver:
    """The receiver of `/hooks/registry/{name}`; several tokens while one is being rotated."""

    def __init__(self, name: str, tokens: Sequence[str]) -> None:
        """PermanentError for an empty token."""
        self._scope = f"registry:{name}"
        self._tokens = LiveTokens.of(tokens)

    def claims(self, headers: Mapping[str, str]) -> bool:
        """Whether a token came along."""
        return AUTHORIZATION in headers

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified | Refused:
        """Accept what comes with a live token."""
        presented = headers.get(AUTHORIZATION)
        if presented is None:
            return Refused(code="no_credential")
        token = presented[len(BEARER) :] if presented[: len(BEARER)].lower() == BEARER else presented
        if not self._tokens.match(digest_of(token)):
            return Refused(code="bad_token")
        # Each event has an id of its own, so equal bytes are a retry.
        key = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return Verified(scope=self._scope, idempotency_key=key, headers={}, body=body)


def parse(delivery: Delivery) -> Parsed:
    """Say what a stored notification means; never raises, whatever its body."""
    envelope = decode(_ENVELOPE, delivery.body, "registry notification")
    if isinstance(envelope, Unreadable):
        return envelope
    registry = delivery.endpoint.partition("/")[2]
    pushed = tuple(
        ImagePushed(registry=registry, repository=it.repository, tag=it.tag, digest=it.digest)
        for it in (event.target for event in envelope.events if event.action == "push")
        if it.repository and it.tag
    )
    if not pushed:
        actions = sorted({event.action for event in envelope.events})
        return Unheard(kind=f"registry {', '.join(actions) or 'nothing'} without a tag"[:200])
    said = [f"{push.repository}:{push.tag}@{push.digest}" for push in pushed]
    return Understood(events=pushed, semantic_key=semantic_key("registry", registry, *sorted(said)))
