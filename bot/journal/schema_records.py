"""The tables of what is remembered: releases, promotions, environments, tenants, and what people asked for."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, false, text

from bot.journal.moments import Moment
from bot.journal.schema import Serial, metadata

releases = Table(
    "releases",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("application", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("images", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("baseline", Boolean, nullable=False),
    Column("tag_moved", Boolean, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("release_id", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("merge_request", Integer),
    Column("merged_revision", Text, nullable=False),
    Column("healthy_at", Moment),
    Column("baseline", Boolean, nullable=False),
    Column("failure", Text),
    Column("failed_at", Moment),
    Column("asked_again_at", Moment),
    Column("change", Text, nullable=False, server_default=""),
    Column("trace", Text, nullable=False, server_default=""),
)
Index("ix_promotions_application", promotions.c.tenant, promotions.c.application, promotions.c.opened_at)
Index(
    "ix_promotions_environment",
    promotions.c.tenant,
    promotions.c.application,
    promotions.c.environment,
    promotions.c.opened_at,
)
Index("ix_promotions_merge_request", promotions.c.tenant, promotions.c.merge_request)
_failed = text("failed_at IS NOT NULL")
Index(
    "ix_promotions_failed_at",
    promotions.c.tenant,
    promotions.c.failed_at,
    sqlite_where=_failed,
    postgresql_where=_failed,
)

environment_state = Table(
    "environment_state",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("application", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("cluster", Text, primary_key=True),
    Column("release_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("health", Text, nullable=False),
    Column("ever_healthy", Boolean, nullable=False),
    Column("because", Text, nullable=False),
    Column("since", Moment, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("key", Text, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

baselines = Table(
    "baselines",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("application", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("head", Text, nullable=False),
    Column("policy_sha", Text, ForeignKey("facts.sha"), index=True),
    Column("fault", Text, nullable=False),
    Column("install", Text, nullable=False),
    Column("merge_requests", LargeBinary, nullable=False),
    Column("seen_at", Moment),
    Column("adopted_at", Moment),
    Column("adoption_asked_by", Text, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Text, primary_key=True),
    Column("delivery", Text, index=True),
    Column("principal", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("bound_to", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False, server_default=""),
    Column("tenant", Text, nullable=False, server_default=""),
    Column("application", Text, nullable=False, server_default=""),
    Column("environment", Text, nullable=False, server_default=""),
    Column("arguments", Text, nullable=False, server_default="{}"),
    Column("settled_at", Moment),
    Column("thread", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("heard", Text, nullable=False, server_default=""),
    Column("code", Text, nullable=False, server_default=""),
    Column("line", Integer, nullable=False, server_default="0"),
    Column("bound", Text, nullable=False, server_default="{}"),
    Column("told", Boolean, nullable=False, server_default=false()),
)
_open = text("state = 'open'")
Index(
    "ix_commands_open",
    commands.c.tenant,
    commands.c.application,
    commands.c.environment,
    sqlite_where=_open,
    postgresql_where=_open,
)
_said = text("message <> ''")
Index(
    "ix_commands_message",
    commands.c.door,
    commands.c.message,
    commands.c.line,
    unique=True,
    sqlite_where=_said,
    postgresql_where=_said,
)
Index(
    "ix_commands_thread",
    commands.c.tenant,
    commands.c.thread,
    commands.c.state,
    sqlite_where=_said,
    postgresql_where=_said,
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("release_id", Text, nullable=False),
    Column("change_hash", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("name", Text, nullable=False, server_default=""),
    Column("command", Text, nullable=False, server_default=""),
)
Index("ix_approvals_environment", approvals.c.tenant, approvals.c.application, approvals.c.environment)

holds = Table(
    "holds",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("lifted_at", Moment),
    Column("lifted_by", Text),
)
freezes = Table(
    "freezes",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("lifted_at", Moment),
    Column("lifted_by", Text),
)
Index("ix_freezes_environment", freezes.c.tenant, freezes.c.environment)

account_links = Table(
    "account_links",
    metadata,
    Column("chat", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

link_codes = Table(
    "link_codes",
    metadata,
    Column("sha", Text, primary_key=True),
    Column("chat", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

Index("ix_holds_environment", holds.c.tenant, holds.c.application, holds.c.environment)

canary_gates = Table(
    "canary_gates",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("canary", Text, primary_key=True),
    Column("gate", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("images", Text, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("because", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
Index("ix_canary_gates_environment", canary_gates.c.tenant, canary_gates.c.application, canary_gates.c.environment)

canary_messages = Table(
    "canary_messages",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("canary", Text, primary_key=True),
    Column("message", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("phase", Text, nullable=False),
    Column("type", Text, nullable=False),
)
Index("ix_canary_messages_at", canary_messages.c.cluster, canary_messages.c.canary, canary_messages.c.at)
