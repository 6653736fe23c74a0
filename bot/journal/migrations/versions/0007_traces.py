"""The traces that work continues, where no delivery caused it, and the trace in which each promotion began."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("work", sa.Column("traces", sa.Text(), nullable=False, server_default=""))
    op.add_column("promotions", sa.Column("trace", sa.Text(), nullable=False, server_default=""))
