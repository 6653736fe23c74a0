"""Says which keys need a look: the next number for each, the delivery that caused it, and when it is due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from bot.journal.behalf import asked_in
from bot.journal.schema import DIRTY, counters, work, work_causes
from bot.keys import ApplicationKey, Key

URGENT, LOOK, DECIDE = 0, 1, 2
MOST_TRACES = 1000
"""Characters of traceparents that a key gathers before it is worked on: about eighteen, and the first is the parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A key that needs a look, and the delivery that said so."""

    key: Key
    delivery: str | None


def count_up(connection: Connection, name: str, by: int) -> int:
    """Add to a counter and return its new value; others who count wait for this transaction's end."""
    counted = update(counters).where(counters.c.name == name).values(value=counters.c.value + by)
    return int(connection.execute(counted.returning(counters.c.value)).scalar_one())


def mark_dirty(
    connection: Connection,
    marks: Sequence[Mark],
    *,
    because: str,
    now: datetime,
    urgent: bool = False,
) -> int:
    """Number the marks in order, make their keys due, and return the last number given (0 without marks).

    The work continues the trace of who asked for it.
    A key that waits after a failure becomes due at its `not_before` at the earliest; one that was dead lives again.
    """
    if not marks:
        return 0
    last = count_up(connection, DIRTY, len(marks))
    numbered = list(enumerate(marks, start=last - len(marks) + 1))
    newest = {str(mark.key): (seq, mark.key) for seq, mark in numbered}
    rows = [_row(seq, key, because, now, urgent) | {"traces": asked_in()} for _, (seq, key) in sorted(newest.items())]
    connection.execute(_upsert(connection, now), rows)
    causes = [_cause(seq, mark.key, mark.delivery) for seq, mark in numbered if mark.delivery is not None]
    if causes:
        connection.execute(work_causes.insert(), causes)
    return last


def marks_of(keys: Iterable[Key], delivery: str | None) -> list[Mark]:
    """The same delivery (or none) for each key."""
    return [Mark(key=key, delivery=delivery) for key in keys]


def usual_priority(key: Key) -> int:
    """Looks at the outside come before decisions: they are cheap and tell which decisions are needed."""
    return DECIDE if isinstance(key, ApplicationKey) else LOOK


def _row(seq: int, key: Key, because: str, now: datetime, urgent: bool) -> dict[str, object]:
    return {
        "key": str(key),
        "dirty_seq": seq,
        "done_seq": 0,
        "wake_at": now,
        "priority": URGENT if urgent else usual_priority(key),
        "because": because,
        "attempts": 0,
        "error": "",
        "fence": 0,
    }


def _cause(seq: int, key: Key, delivery: str) -> dict[str, object]:
    return {"key": str(key), "seq": seq, "delivery": delivery}


def _upsert(connection: Connection, now: datetime) -> sqlite.Insert | postgresql.Insert:
    insert = sqlite.insert(work) if connection.dialect.name == "sqlite" else postgresql.insert(work)
    earliest = case((work.c.not_before > now, work.c.not_before), else_=insert.excluded.wake_at)
    sooner = or_(work.c.wake_at.is_(None), work.c.wake_at > earliest)
    return insert.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "dirty_seq": insert.excluded.dirty_seq,
            "wake_at": case((sooner, earliest), else_=work.c.wake_at),
            "priority": case(
                (work.c.priority < insert.excluded.priority, work.c.priority), else_=insert.excluded.priority
            ),
            "because": insert.excluded.because,
            "attempts": case((work.c.dead_at.is_(None), work.c.attempts), else_=0),
            "dead_at": None,
            "traces": _gathered(insert.excluded.traces),
        },
    )


def _gathered(more: ColumnElement[str]) -> ColumnElement[str]:
    """Each trace once, separated by spaces, in the order they came; only ever added to, so that `_finish` can tell."""
    known = work.c.traces
    full = func.length(known) > MOST_TRACES
    return case((or_(more == "", known.contains(more), full), known), (known == "", more), else_=known + " " + more)
