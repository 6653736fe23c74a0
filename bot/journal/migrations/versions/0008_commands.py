"""What people say, whom they approve, what they freeze, and which chat account is whose."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add columns to what was there, and the tables of what was not."""
    _commands()
    op.add_column("promotions", sa.Column("change", sa.Text(), nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("name", sa.Text(), nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("command", sa.Text(), nullable=False, server_default=""))
    _freezes()
    _links()


def _commands() -> None:
    for name in ("thread", "message", "heard", "code"):
        op.add_column("commands", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("commands", sa.Column("line", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("commands", sa.Column("bound", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("commands", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()))
    said = sa.text("message <> ''")
    op.create_index(
        "ix_commands_message",
        "commands",
        ["door", "message", "line"],
        unique=True,
        sqlite_where=said,
        postgresql_where=said,
    )
    op.create_index(
        "ix_commands_thread", "commands", ["tenant", "thread", "state"], sqlite_where=said, postgresql_where=said
    )


def _freezes() -> None:
    op.create_table(
        "freezes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.Text()),
    )
    op.create_index("ix_freezes_environment", "freezes", ["tenant", "environment"])


def _links() -> None:
    op.create_table(
        "account_links",
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chat", "account", name="pk_account_links"),
    )
    op.create_table(
        "link_codes",
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha", name="pk_link_codes"),
    )
