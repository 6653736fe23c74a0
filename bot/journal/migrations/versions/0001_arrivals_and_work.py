"""What arrives, what is to be looked at, and what is written outside."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _installation()
    _counters()
    _deliveries()
    _bodies()
    _work()
    _work_causes()
    _effects()
    _sections()


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_installation"),
    )


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('dirty', 0), ('audit', 0)")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("seq", SERIAL, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("semantic_key", sa.Text()),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("duplicate_of", sa.Text()),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_deliveries"),
        sa.UniqueConstraint("endpoint", "idempotency_key", name="uq_deliveries_endpoint_idempotency_key"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
    )
    op.create_index(
        "ix_deliveries_received",
        "deliveries",
        ["seq"],
        sqlite_where=sa.text("phase = 'received'"),
        postgresql_where=sa.text("phase = 'received'"),
    )
    op.create_index("ix_deliveries_received_at", "deliveries", ["received_at"])
    op.create_index(
        "ix_deliveries_semantic_key",
        "deliveries",
        ["semantic_key"],
        sqlite_where=sa.text("semantic_key IS NOT NULL"),
        postgresql_where=sa.text("semantic_key IS NOT NULL"),
    )


def _bodies() -> None:
    op.create_table(
        "bodies",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name="fk_bodies_delivery", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery", name="pk_bodies"),
    )


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("dirty_seq", sa.BigInteger(), nullable=False),
        sa.Column("done_seq", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger()),
        sa.Column("not_before", sa.BigInteger()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("dead_at", sa.BigInteger()),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_work"),
    )
    op.create_index(
        "ix_work_dead_at",
        "work",
        ["dead_at"],
        sqlite_where=sa.text("dead_at IS NOT NULL"),
        postgresql_where=sa.text("dead_at IS NOT NULL"),
    )
    op.create_index(
        "ix_work_lease_until",
        "work",
        ["lease_until"],
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("ix_work_wake_at", "work", ["wake_at"])


def _work_causes() -> None:
    op.create_table(
        "work_causes",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name="fk_work_causes_delivery", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "seq", name="pk_work_causes"),
    )
    op.create_index("ix_work_causes_delivery", "work_causes", ["delivery"])


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("work_key", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expect", sa.Text(), nullable=False),
        sa.Column("desired_sha", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("intent_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key", name="pk_effects"),
    )
    op.create_index("ix_effects_intent_at", "effects", ["intent_at"])
    op.create_index("ix_effects_work_key", "effects", ["work_key"])


def _sections() -> None:
    op.create_table(
        "sections",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sections"),
    )
