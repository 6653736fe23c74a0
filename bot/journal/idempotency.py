"""The same delivery sent twice is stored once: an idempotency key stands for seven days.

GitLab keeps `Idempotency-Key` (17.4) equal over its retries and resends; a key seen again later than that is a new
delivery, whether or not retention has removed the old one yet.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.journal.engine import InboxRow, Receipt
from bot.journal.moments import from_micros
from bot.journal.schema import bodies, deliveries

KEY_STANDS = timedelta(days=7)


def put_one_by_one(connection: Connection, rows: Sequence[InboxRow]) -> list[Receipt]:
    """Store each delivery unless its key still stands; the slow way, for batches that hold a repeated key."""
    return [_put(connection, row) for row in rows]


def _put(connection: Connection, row: InboxRow) -> Receipt:
    if _insert(connection, row):
        return Receipt(id=row.id, duplicate=False)
    known = connection.execute(
        select(deliveries.c.id, deliveries.c.received_at).where(
            deliveries.c.endpoint == row.endpoint, deliveries.c.idempotency_key == row.idempotency_key
        )
    ).one_or_none()
    if known is not None and known.received_at > from_micros(row.received_at) - KEY_STANDS:
        # A batch that was sent again after a lost connection meets itself: the first answer was never given.
        return Receipt(id=known.id, duplicate=known.id != row.id)
    if known is not None:
        _free(connection, known.id)
    _insert(connection, row)
    return Receipt(id=row.id, duplicate=False)


def _insert(connection: Connection, row: InboxRow) -> bool:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = {
        "id": row.id,
        "endpoint": row.endpoint,
        "idempotency_key": row.idempotency_key,
        "received_at": from_micros(row.received_at),
        "headers": row.headers,
        "scope": row.scope,
        "trace": row.trace,
        "size": row.size,
        "phase": "received",
    }
    done = connection.execute(dialect.insert(deliveries).values(values).on_conflict_do_nothing())
    if done.rowcount == 1:
        connection.execute(bodies.insert().values(delivery=row.id, body=row.body))
    return done.rowcount == 1


def _free(connection: Connection, delivery: str) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery)
        .values(idempotency_key=deliveries.c.idempotency_key + "#" + deliveries.c.id)
    )
