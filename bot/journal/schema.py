"""The tables of the machine: what arrived, what is to be looked at, what was decided and what was done.

The tables of what is remembered about releases and tenants are in `schema_records`; both share `metadata`.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.journal.moments import Moment

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite numbers rows by itself only in a column declared exactly INTEGER PRIMARY KEY.
Serial = BigInteger().with_variant(Integer(), "sqlite")

DIRTY = "dirty"
AUDIT = "audit"

installation = Table(
    "installation",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

# Whoever counts locks the row until its commit: numbers are given in commit order, on both databases.
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("endpoint", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("semantic_key", Text),
    Column("received_at", Moment, nullable=False, index=True),
    Column("headers", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("duplicate_of", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    UniqueConstraint("endpoint", "idempotency_key"),
)
_received = text("phase = 'received'")
Index("ix_deliveries_received", deliveries.c.seq, sqlite_where=_received, postgresql_where=_received)
_understood = text("semantic_key IS NOT NULL")
Index("ix_deliveries_semantic_key", deliveries.c.semantic_key, sqlite_where=_understood, postgresql_where=_understood)

bodies = Table(
    "bodies",
    metadata,
    Column("delivery", Text, ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

work = Table(
    "work",
    metadata,
    Column("key", Text, primary_key=True),
    Column("dirty_seq", BigInteger, nullable=False),
    Column("done_seq", BigInteger, nullable=False),
    Column("wake_at", Moment, index=True),
    Column("not_before", Moment),
    Column("priority", Integer, nullable=False),
    Column("because", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("dead_at", Moment),
    Column("owner", Text),
    Column("lease_until", Moment),
    Column("fence", BigInteger, nullable=False),
    Column("traces", Text, nullable=False, server_default=""),
)
_leased = text("lease_until IS NOT NULL")
Index("ix_work_lease_until", work.c.lease_until, sqlite_where=_leased, postgresql_where=_leased)
_dead = text("dead_at IS NOT NULL")
Index("ix_work_dead_at", work.c.dead_at, sqlite_where=_dead, postgresql_where=_dead)

work_causes = Table(
    "work_causes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery", Text, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False, index=True),
)

facts = Table(
    "facts",
    metadata,
    Column("sha", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("used_at", Moment, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", Text, nullable=False),
    Column("handler", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("facts_sha", Text, ForeignKey("facts.sha"), nullable=False, index=True),
    Column("policy_sha", Text, ForeignKey("facts.sha"), nullable=False, index=True),
    Column("decided_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False, index=True),
    Column("repeats", Integer, nullable=False),
    Column("decision", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("effects", Text, nullable=False),
    Column("trace", Text, nullable=False),
)
Index("ix_runs_key_id", runs.c.key, runs.c.id)
Index("ix_runs_subject_handler_id", runs.c.subject, runs.c.handler, runs.c.id)

# A delivery is forgotten long before the run it caused, so its id is no foreign key.
run_causes = Table(
    "run_causes",
    metadata,
    Column("run", Serial, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("delivery", Text, primary_key=True, index=True),
)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("work_key", Text, nullable=False, index=True),
    Column("fence", BigInteger, nullable=False),
    Column("expect", Text, nullable=False),
    Column("desired_sha", Text, nullable=False),
    Column("external_id", Text),
    Column("intent_at", Moment, nullable=False, index=True),
    Column("done_at", Moment),
)

sections = Table(
    "sections",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text),
    Column("lease_until", Moment),
    Column("fence", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("seq", BigInteger, unique=True),
    Column("at", Moment, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary),
    Column("payload_sha", Text, nullable=False),
    Column("prev_hash", Text),
    Column("hash", Text),
)
_unsealed = text("seq IS NULL")
Index("ix_audit_unsealed", audit.c.id, sqlite_where=_unsealed, postgresql_where=_unsealed)
_with_payload = text("payload IS NOT NULL")
Index("ix_audit_payload_at", audit.c.at, sqlite_where=_with_payload, postgresql_where=_with_payload)
