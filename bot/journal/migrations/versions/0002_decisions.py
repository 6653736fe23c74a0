"""What was decided on which facts, and the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _facts()
    _runs()
    _run_causes()
    _audit()


def _facts() -> None:
    op.create_table(
        "facts",
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha", name="pk_facts"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("facts_sha", sa.Text(), nullable=False),
        sa.Column("policy_sha", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("effects", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["facts_sha"], ["facts.sha"], name="fk_runs_facts_sha"),
        sa.ForeignKeyConstraint(["policy_sha"], ["facts.sha"], name="fk_runs_policy_sha"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_facts_sha", "runs", ["facts_sha"])
    op.create_index("ix_runs_key_id", "runs", ["key", "id"])
    op.create_index("ix_runs_last_at", "runs", ["last_at"])
    op.create_index("ix_runs_policy_sha", "runs", ["policy_sha"])
    op.create_index("ix_runs_subject_handler_id", "runs", ["subject", "handler", "id"])


def _run_causes() -> None:
    op.create_table(
        "run_causes",
        sa.Column("run", SERIAL, autoincrement=False, nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_run_causes_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "delivery", name="pk_run_causes"),
    )
    op.create_index("ix_run_causes_delivery", "run_causes", ["delivery"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("seq", sa.BigInteger()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("payload_sha", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text()),
        sa.Column("hash", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.UniqueConstraint("seq", name="uq_audit_seq"),
    )
    op.create_index(
        "ix_audit_payload_at",
        "audit",
        ["at"],
        sqlite_where=sa.text("payload IS NOT NULL"),
        postgresql_where=sa.text("payload IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_unsealed",
        "audit",
        ["id"],
        sqlite_where=sa.text("seq IS NULL"),
        postgresql_where=sa.text("seq IS NULL"),
    )
