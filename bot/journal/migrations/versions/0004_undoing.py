"""How promotions failed, what people asked for, and what Flagger is answered; denials live in Git alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns and a table, and drop the one that nothing was ever written to."""
    _promotions()
    _commands()
    op.add_column("holds", sa.Column("lifted_by", sa.Text()))
    _canary_gates()
    op.drop_table("denials")


def _promotions() -> None:
    op.add_column("promotions", sa.Column("failure", sa.Text()))
    op.add_column("promotions", sa.Column("failed_at", sa.BigInteger()))
    op.add_column("promotions", sa.Column("asked_again_at", sa.BigInteger()))
    failed = sa.text("failed_at IS NOT NULL")
    op.create_index(
        "ix_promotions_failed_at",
        "promotions",
        ["tenant", "failed_at"],
        sqlite_where=failed,
        postgresql_where=failed,
    )


def _commands() -> None:
    for name in ("kind", "tenant", "application", "environment"):
        op.add_column("commands", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("commands", sa.Column("arguments", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("commands", sa.Column("settled_at", sa.BigInteger()))
    unsettled = sa.text("state = 'open'")
    op.create_index(
        "ix_commands_open",
        "commands",
        ["tenant", "application", "environment"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )


def _canary_gates() -> None:
    op.create_table(
        "canary_gates",
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("canary", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("images", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "canary", "gate", name="pk_canary_gates"),
    )
    op.create_index("ix_canary_gates_environment", "canary_gates", ["tenant", "application", "environment"])
