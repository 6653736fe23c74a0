"""What is remembered of a tenant: its config repository as last looked at, and whether this journal may act on it."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select, update

from bot.actions import LearnConfiguration
from bot.journal.area import Area, insert_or_ignore, insert_or_update
from bot.journal.documents import keep
from bot.journal.schema_records import tenants
from bot.records import MergeRequestMark

MARKS = TypeAdapter(tuple[MergeRequestMark, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRecord:
    """A tenant. policy_sha: the document to decide by, empty before the first good one.

    head: the config commit last looked at, empty when never. fault: why the newest policy does not hold.
    install: the identity read from `.sluice/install`. adopted_at: when that was first seen to be this journal's own.
    adoption_asked_by: who asked for it and waits for the file to land, else empty.
    """

    tenant: str
    head: str
    policy_sha: str
    fault: str
    install: str
    merge_requests: tuple[MergeRequestMark, ...]
    seen_at: datetime | None
    adopted_at: datetime | None
    adoption_asked_by: str


class Tenants(Area):
    """Who is governed."""

    async def tenant(self, tenant: str) -> TenantRecord | None:
        """One tenant, None before its repository was looked at and before anybody asked to adopt it."""
        return await self._read(lambda c: _tenant(c, tenant))

    async def tenants(self) -> list[TenantRecord]:
        """All of them, by name."""
        return await self._read(_tenants)

    async def ask_adoption(self, tenant: str, by: str) -> None:
        """Remember who asked to adopt the tenant's config repository; done once its install file names this journal."""
        await self._write(lambda c: _ask_adoption(c, tenant, by))

    async def learn_configuration(self, learnt: LearnConfiguration) -> None:
        """Remember the config repository as it was just looked at."""
        now = self._now()
        await self._write(lambda c: keep_configuration(c, learnt, now, self.installation_id))


def keep_configuration(connection: Connection, learnt: LearnConfiguration, now: datetime, installation: str) -> None:
    """Upsert by tenant; an empty policy keeps the last good one, and our own identity ends a wish to adopt."""
    tenant = learnt.key.tenant
    before = _tenant(connection, tenant)
    ours = learnt.install == installation
    adopted_at = (before.adopted_at if before is not None else None) or now
    policy = keep(connection, learnt.policy.encode(), now) if learnt.policy else (before.policy_sha if before else "")
    values = {
        "tenant": tenant,
        "head": learnt.head,
        "policy_sha": policy or None,
        "fault": learnt.fault,
        "install": learnt.install,
        "merge_requests": MARKS.dump_json(learnt.merge_requests),
        "seen_at": now,
        "adopted_at": adopted_at if ours else None,
        "adoption_asked_by": "" if ours or before is None else before.adoption_asked_by,
    }
    connection.execute(insert_or_update(connection, tenants).values(values))


def _ask_adoption(connection: Connection, tenant: str, by: str) -> None:
    unseen = {"head": "", "fault": "", "install": "", "merge_requests": b"[]", "adoption_asked_by": ""}
    connection.execute(insert_or_ignore(connection, tenants).values(tenant=tenant, **unseen))
    connection.execute(update(tenants).where(tenants.c.tenant == tenant).values(adoption_asked_by=by))


def _tenant(connection: Connection, tenant: str) -> TenantRecord | None:
    row = connection.execute(select(tenants).where(tenants.c.tenant == tenant)).one_or_none()
    return None if row is None else _tenant_of(row)


def _tenants(connection: Connection) -> list[TenantRecord]:
    return [_tenant_of(row) for row in connection.execute(select(tenants).order_by(tenants.c.tenant)).all()]


def _tenant_of(row: Row[tuple[object, ...]]) -> TenantRecord:
    return TenantRecord(
        tenant=row.tenant,
        head=row.head,
        policy_sha=row.policy_sha or "",
        fault=row.fault,
        install=row.install,
        merge_requests=MARKS.validate_json(row.merge_requests),
        seen_at=row.seen_at,
        adopted_at=row.adopted_at,
        adoption_asked_by=row.adoption_asked_by,
    )
