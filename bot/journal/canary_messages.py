"""What Flagger said of each canary, as its `event` hooks brought it: each sentence once, with when it was last said.

A sentence that is repeated at every tick, such as that of a closed gate, takes one row and pushes no other out.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from bot.events import CanaryReported, Event
from bot.journal.area import Area
from bot.journal.schema_records import canary_messages
from bot.records import CanaryMessage

KEPT = 100
"""Sentences of a canary that are kept, those last said."""
LONGEST = 300
"""Characters of a sentence that are kept: it is part of a key, and PostgreSQL takes 2,704 bytes of one."""
LONGEST_WORD = 50
"""Characters of phase and type that are kept."""


class CanaryMessages(Area):
    """What Flagger was heard to say."""

    async def canary_messages(self, cluster: str, canary: str) -> tuple[CanaryMessage, ...]:
        """The newest sentences of a canary, at most 100, the one last said last. canary: `<namespace>/<name>`."""
        return await self._read(lambda c: _messages(c, cluster, canary))


def said_in(events: Iterable[Event]) -> tuple[CanaryMessage, ...]:
    """The sentences that `event` hooks brought; the other hooks bring none."""
    return tuple(
        CanaryMessage(
            cluster=event.cluster,
            canary=f"{event.namespace}/{event.name}",
            at=event.said_at,
            phase=event.phase[:LONGEST_WORD],
            type=event.severity[:LONGEST_WORD],
            message=event.message[:LONGEST],
        )
        for event in events
        if isinstance(event, CanaryReported) and event.hook == "event" and event.message and event.said_at
    )


def keep_canary_messages(connection: Connection, said: Iterable[CanaryMessage]) -> None:
    """Each sentence is known, with when it was last said; hearing it again, or late, changes nothing else."""
    newest = {_key(one): one for one in sorted(said, key=lambda one: one.at)}
    if not newest:
        return
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(canary_messages)
    fresh = {name: insert.excluded[name] for name in ("at", "phase", "type")}
    upsert = insert.on_conflict_do_update(
        index_elements=["cluster", "canary", "message"],
        set_=fresh,
        where=insert.excluded["at"] > canary_messages.c.at,
    )
    # In one order, so that two writers never wait for each other's rows.
    for key in sorted(newest):
        connection.execute(upsert.values(_row(newest[key])))


def drop_canary_messages(connection: Connection, limit: int) -> int:
    """Forget up to `limit` sentences beyond the newest of their canary; returns how many."""
    place = func.row_number().over(
        partition_by=(canary_messages.c.cluster, canary_messages.c.canary),
        order_by=(canary_messages.c.at.desc(), canary_messages.c.message),
    )
    columns = (canary_messages.c.cluster, canary_messages.c.canary, canary_messages.c.message)
    ranked = select(*columns, place.label("place")).subquery()
    old = select(ranked.c.cluster, ranked.c.canary, ranked.c.message).where(ranked.c.place > KEPT).limit(limit)
    return connection.execute(delete(canary_messages).where(tuple_(*columns).in_(old))).rowcount


def _key(one: CanaryMessage) -> tuple[str, str, str]:
    return one.cluster, one.canary, one.message


def _row(one: CanaryMessage) -> dict[str, object]:
    return {
        "cluster": one.cluster,
        "canary": one.canary,
        "message": one.message,
        "at": one.at,
        "phase": one.phase,
        "type": one.type,
    }


def _messages(connection: Connection, cluster: str, canary: str) -> tuple[CanaryMessage, ...]:
    known = canary_messages.c
    here = select(canary_messages).where(known.cluster == cluster, known.canary == canary)
    rows = connection.execute(here.order_by(known.at.desc(), known.message).limit(KEPT)).all()
    return tuple(
        CanaryMessage(
            cluster=row.cluster, canary=row.canary, at=row.at, phase=row.phase, type=row.type, message=row.message
        )
        for row in reversed(rows)
    )
