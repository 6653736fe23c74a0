"""Signatures are checked on raw bytes with the standard library: Standard Webhooks (GitLab) and generic-hmac (Flux).

Nothing here raises on what a sender may send. Sources: the Standard Webhooks specification 1.0; GitLab "Webhooks",
signing token (19.x); Flux notification-controller 1.6, Provider `generic-hmac`.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import PermanentError

SIGNING_PREFIX = "whsec_"
CLOCK_WINDOW = timedelta(minutes=5)
"""How far a signed timestamp may lie from our clock, in both directions (Standard Webhooks, reference libraries)."""

LONGEST_TIMESTAMP = 12
FLUX_ALGORITHMS = {"sha256": "sha256"}
"""The algorithms a sender may name; notification-controller writes only sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHeaders:
    """The three `webhook-*` headers as text; `timestamp` is in whole Unix seconds."""

    id: str
    timestamp: str
    signatures: str

    def is_fresh(self, now: datetime) -> bool:
        """Whether the timestamp is a plain number within the window around `now`."""
        text = self.timestamp
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_TIMESTAMP):
            return False
        return abs(now.timestamp() - int(text)) <= CLOCK_WINDOW.total_seconds()


def signing_key(secret: str) -> bytes:
    """The key in `whsec_<base64>`; PermanentError, without the secret, when it is anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(SIGNING_PREFIX) and key):
        raise PermanentError(
            "a signing token is not `whsec_` followed by base64, so no signature could ever match. "
            "Copy it again from GitLab (Settings, Webhooks, signing token)."
        )
    return key


def expected_signatures(keys: Iterable[bytes], headers: SignedHeaders, body: bytes) -> list[bytes]:
    """What each key would have signed; empty for an id with a dot, with which id and timestamp could be cut anew."""
    if not headers.id or "." in headers.id:
        return []
    message = b"%b.%b.%b" % (_raw(headers.id), _raw(headers.timestamp), body)
    return [b"v1," + base64.b64encode(hmac.digest(key, message, "sha256")) for key in keys]


def any_signature_matches(expected: Sequence[bytes], signatures: str) -> bool:
    """Whether one of the space-separated signatures is expected; each is compared with each, in constant time.

    The encoded text is compared, not the decoded bytes: base64 has several spellings of the same bytes.
    """
    found = False
    for presented in _raw(signatures).split(b" "):
        for mine in expected:
            found |= hmac.compare_digest(mine, presented)
    return found


def generic_hmac_matches(keys: Iterable[bytes], header: str, body: bytes) -> bool:
    """Whether `X-Signature: <algorithm>=<hex>` is the HMAC of the body under one of the keys."""
    name, _, presented = header.partition("=")
    algorithm = FLUX_ALGORITHMS.get(name)
    if algorithm is None:
        return False
    found = False
    for key in keys:
        mine = hmac.digest(key, body, algorithm).hex().encode()
        found |= hmac.compare_digest(mine, _raw(presented))
    return found


def _raw(text: str) -> bytes:
    # aiohttp decodes header bytes as UTF-8 with surrogate escapes; this gives back what was on the wire.
    return text.encode("utf-8", "surrogateescape")
