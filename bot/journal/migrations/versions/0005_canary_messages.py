"""What Flagger's `event` hooks said of a canary, because Kubernetes' Events fold and lose its sentences."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "canary_messages",
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("canary", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "canary", "message", name="pk_canary_messages"),
    )
    op.create_index("ix_canary_messages_at", "canary_messages", ["cluster", "canary", "at"])
