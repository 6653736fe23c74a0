"""Signatures are checked on raw bytes with the standard library: Standard Webhooks (GitLab) and generic-hmac (Flux).

Nothing here raises on what a sender may send. Sources: the Standard Webhooks specification 1.0; GitLab "Webhooks",
signing token (19.x); Flux notification-controller 1.6, Provider `generic-hmac`.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.errors import PermanentError

SIGNING_PREFIX = "whsec_"
CLOCK_WINDOW = timedelta(minutes=5)
"""How far a signed timestamp may lie from our clock, in both directions (Standard Webhooks, reference libraries)."""

WINDOW_SECONDS = CLOCK_WINDOW.total_seconds()
LONGEST_TIMESTAMP = 12
FLUX_ALGORITHMS = {"sha256": "sha256"}
"""The algorithms a sender may name; notification-controller writes only sha256."""


def is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether `webhook-timestamp` is a plain number of Unix seconds within the window around `now`."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP):
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW_SECONDS


def signing_key(secret: str) -> hmac.HMAC:
    """What signs with the key in `whsec_<base64>`, to be copied for each message.

    PermanentError, without the secret, when it is anything else.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(SIGNING_PREFIX) and key):
        raise PermanentError(
            "a signing token is not `whsec_` followed by base64, so no signature could ever match. "
            "Copy it again from GitLab (Settings, Webhooks, signing token)."
        )
    # Prepared once: OpenSSL takes a third longer when it is given the key anew for each message.
    return hmac.new(key, digestmod="sha256")


def signed_prefix(message_id: str, timestamp: str) -> bytes:
    """What a Standard Webhooks sender signs before the body.

    Empty for an id with a dot, with which id, timestamp and body could be cut anew elsewhere.
    """
    if not message_id or "." in message_id:
        return b""
    return _raw(f"{message_id}.{timestamp}.")


def signature_matches(key: hmac.HMAC, prefix: bytes, body: bytes, presented: Sequence[bytes]) -> bool:
    """Whether one of the presented signatures is the key's; all are compared, in constant time.

    The encoded text is compared, not the decoded bytes: base64 has several spellings of the same bytes.
    """
    signing = key.copy()
    signing.update(prefix)
    signing.update(body)
    mine = b"v1," + binascii.b2a_base64(signing.digest(), newline=False)
    found = False
    for signature in presented:
        found |= hmac.compare_digest(mine, signature)
    return found and bool(prefix)


def presented_signatures(header: str) -> list[bytes]:
    """The space-separated values of `webhook-signature`, as they were on the wire."""
    return _raw(header).split(b" ")


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
