"""What a receiver says about a request before anything is stored: Verified or Refused, and nothing in between."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import msgspec

RefusalCode = Literal["no_credential", "bad_token", "bad_signature", "signature_required", "too_old", "outside_scope"]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """An authentic request: whose secret it carried and what of it may be stored.

    scope: as in Delivery. idempotency_key: the sender's, or empty when it sent none (the delivery's id stands in).
    headers: those a parser needs, lower-case names. body: the received bytes with credentials cut out.
    """

    scope: str
    idempotency_key: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Verified(scope={self.scope!r}, idempotency_key={self.idempotency_key!r}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that proved nothing, answered with 401; the code names the reason and never repeats what was sent."""

    code: RefusalCode


class Receiver(Protocol):
    """One kind of sender at one path. Headers are looked up by lower-case name, so the mapping must ignore case."""

    def claims(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers alone make it worth reading the body: a signature or token is there to be checked."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified | Refused:
        """Judge the raw body; never raises, whatever was sent."""
        ...
