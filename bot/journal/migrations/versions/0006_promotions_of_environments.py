"""The promotions of one environment are found without reading those of the others, of which there may be many more."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the index."""
    columns = ["tenant", "application", "environment", "opened_at"]
    op.create_index("ix_promotions_environment", "promotions", columns)
