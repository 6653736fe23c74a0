"""A delivery as it is stored, and what a person may know of it: no body and no header in a listing."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row

from bot.events import Delivery, Phase
from bot.keys import Key

LONGEST_REASON = 2000
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A delivery in a listing. attempts: how often a person sent it through again. size: bytes of its body."""

    id: str
    endpoint: str
    phase: Phase
    reason: str
    received_at: datetime
    size: int
    semantic_key: str
    duplicate_of: str | None
    attempts: int
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStory:
    """What became of a delivery: the keys it made dirty, the runs it caused, and those that say the same.

    delivery: as it came, None once retention dropped its body.
    """

    stored: StoredDelivery
    delivery: Delivery | None
    keys: tuple[Key, ...]
    runs: tuple[int, ...]
    duplicates: tuple[str, ...]


def delivery_of(row: Row[tuple[object, ...]], body: bytes) -> Delivery:
    """The delivery of a row of `deliveries`, as it came."""
    return Delivery(
        id=row.id,
        endpoint=row.endpoint,
        idempotency_key=row.idempotency_key,
        received_at=row.received_at,
        headers=json.loads(row.headers),
        body=body,
        scope=row.scope,
        trace=row.trace,
    )


def stored_of(row: Row[tuple[object, ...]]) -> StoredDelivery:
    """The listing's line of a row of `deliveries`."""
    return StoredDelivery(
        id=row.id,
        endpoint=row.endpoint,
        phase=row.phase,
        reason=row.reason,
        received_at=row.received_at,
        size=row.size,
        semantic_key=row.semantic_key or "",
        duplicate_of=row.duplicate_of,
        attempts=row.attempts,
        trace=row.trace,
    )
