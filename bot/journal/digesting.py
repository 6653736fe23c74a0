"""Turns what arrived into keys that need a look, in order of arrival, each delivery exactly once.

Two deliveries say the same when their semantic keys are equal at one endpoint. The later one is linked to the first
and dirties nothing while what the first dirtied is still to be done, or when it came less than two minutes after it;
one that a person sent through again always counts. What Flagger says in one of them is kept in any case.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, exists, func, select, update

from bot.commanded import Heard
from bot.events import Delivery, Phase, Reading, Understood, Unheard, Unreadable
from bot.journal.canary_messages import keep_canary_messages, said_in
from bot.journal.dirtying import Mark, mark_dirty
from bot.journal.heard import hear
from bot.journal.schema import bodies, deliveries, work, work_causes
from bot.journal.stored import LONGEST_REASON, delivery_of
from bot.keys import Key
from bot.records import CanaryMessage

SAME_WITHIN = timedelta(minutes=2)
BATCH_BYTES = 8 * 1024 * 1024
"""Body bytes parsed in one transaction at most (one larger delivery is taken alone): acknowledgements wait for it."""

Parse = Callable[[Delivery], Reading]
Meaning = tuple[str, str]
"""Endpoint and semantic key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A delivery after parsing: its new phase, and the keys it makes dirty. again: a person sent it through again.

    said: what Flagger says in it of a canary that somebody's policy names. heard: what people command in it.
    """

    delivery: Delivery
    again: bool
    phase: Phase
    reason: str = ""
    semantic_key: str | None = None
    keys: tuple[Key, ...] = ()
    duplicate_of: str | None = None
    said: tuple[CanaryMessage, ...] = ()
    heard: tuple[Heard, ...] = ()

    @property
    def meaning(self) -> Meaning:
        """What it says, to compare with others."""
        return self.delivery.endpoint, self.semantic_key or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The first delivery that said something. pending: what it dirtied is not all done."""

    id: str
    received_at: datetime
    pending: bool


def digest_received(connection: Connection, parse: Parse, limit: int, now: datetime) -> int:
    """Parse up to `limit` received deliveries and dirty their keys; returns how many were taken."""
    judged = [judge(parse, delivery, again=again) for delivery, again in _take(connection, limit)]
    if not judged:
        return 0
    keep_canary_messages(connection, [message for one in judged for message in one.said])
    settled = link(judged, _originals(connection, judged))
    _settle(connection, settled)
    marks = [Mark(key=key, delivery=one.delivery.id) for one in settled for key in one.keys]
    endpoints = ", ".join(sorted({one.delivery.endpoint for one in settled if one.keys}))
    mark_dirty(connection, marks, because=f"a delivery at {endpoints} says it changed", now=now)
    for one in settled:
        if one.heard:
            hear(connection, one.heard, one.delivery.id, now)
    return len(settled)


def judge(parse: Parse, delivery: Delivery, *, again: bool) -> Judged:
    """What becomes of a delivery; a parser that raises makes it dead, with the error as its reason."""
    try:
        reading = parse(delivery)
    except Exception as error:  # noqa: BLE001 - a parser's bug must neither stop the others nor lose the delivery
        reason = f"parsing failed: {type(error).__name__}: {error}"
        return Judged(delivery=delivery, again=again, phase="dead", reason=reason[:LONGEST_REASON])
    keys = reading.keys
    match reading.parsed:
        case Unheard(kind=kind):
            return Judged(delivery=delivery, again=again, phase="unheard", reason=kind[:LONGEST_REASON])
        case Unreadable(reason=reason):
            return Judged(delivery=delivery, again=again, phase="unreadable", reason=reason[:LONGEST_REASON])
        case Understood(semantic_key=meaning, events=events):
            return Judged(
                delivery=delivery,
                again=again,
                phase="done",
                semantic_key=meaning or None,
                keys=tuple(dict.fromkeys(keys)),
                said=said_in(events) if keys else (),
                heard=reading.heard,
            )


def link(judged: Sequence[Judged], known: Mapping[Meaning, Original]) -> list[Judged]:
    """The same deliveries, those that repeat an earlier one linked to it and without keys."""
    originals = dict(known)
    linked = []
    for one in judged:
        original = originals.get(one.meaning)
        if one.semantic_key is None or (original is None or one.again or not _repeats(one, original)):
            linked.append(one)
            originals[one.meaning] = Original(
                id=one.delivery.id, received_at=one.delivery.received_at, pending=bool(one.keys)
            )
            continue
        reason = f"says the same as {original.id}"
        linked.append(replace(one, keys=(), heard=(), duplicate_of=original.id, reason=reason))
    return linked


def _repeats(one: Judged, original: Original) -> bool:
    apart = abs(one.delivery.received_at - original.received_at)
    return one.delivery.id != original.id and (original.pending or apart < SAME_WITHIN)


def _take(connection: Connection, limit: int) -> list[tuple[Delivery, bool]]:
    waiting = connection.execute(
        select(deliveries)
        .where(deliveries.c.phase == "received")
        .order_by(deliveries.c.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    size = 0
    taken: list[tuple[Delivery, bool]] = []
    for row in waiting:
        size += row.size
        if taken and size > BATCH_BYTES:
            break
        body = connection.execute(select(bodies.c.body).where(bodies.c.delivery == row.id)).scalar_one()
        taken.append((delivery_of(row, body), row.attempts > 0))
    return taken


def _originals(connection: Connection, judged: Iterable[Judged]) -> dict[Meaning, Original]:
    meanings = {one.semantic_key for one in judged if one.semantic_key is not None}
    if not meanings:
        return {}
    newest = (
        select(func.max(deliveries.c.seq))
        .where(
            deliveries.c.semantic_key.in_(sorted(meanings)),
            deliveries.c.phase == "done",
            deliveries.c.duplicate_of.is_(None),
        )
        .group_by(deliveries.c.endpoint, deliveries.c.semantic_key)
    )
    undone = exists().where(
        work_causes.c.delivery == deliveries.c.id,
        work.c.key == work_causes.c.key,
        work_causes.c.seq > work.c.done_seq,
        work.c.dead_at.is_(None),
    )
    columns = (deliveries.c.id, deliveries.c.endpoint, deliveries.c.semantic_key, deliveries.c.received_at)
    rows = connection.execute(select(*columns, undone.label("pending")).where(deliveries.c.seq.in_(newest)))
    return {
        (row.endpoint, row.semantic_key): Original(id=row.id, received_at=row.received_at, pending=row.pending)
        for row in rows
    }


def _settle(connection: Connection, judged: Iterable[Judged]) -> None:
    settled = (
        update(deliveries)
        .where(deliveries.c.id == bindparam("delivery"))
        .values({name: bindparam(name) for name in ("phase", "reason", "semantic_key", "duplicate_of")})
    )
    rows = [
        {
            "delivery": one.delivery.id,
            "phase": one.phase,
            "reason": one.reason,
            "semantic_key": one.semantic_key,
            "duplicate_of": one.duplicate_of,
        }
        for one in judged
    ]
    connection.execute(settled, rows)
