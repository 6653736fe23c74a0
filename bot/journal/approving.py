"""Approvals: somebody's yes to exactly one release and change, once for each person, until it is revoked."""

from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from bot.actions import KeepApproval, RevokeApprovals
from bot.commanded import Approval, Principal
from bot.journal.area import Area
from bot.journal.dirtying import mark_dirty, marks_of
from bot.journal.schema_records import approvals
from bot.keys import EnvironmentKey


class Approvals(Area):
    """Who approved what."""

    async def approvals(self, key: EnvironmentKey) -> tuple[Approval, ...]:
        """Those of an environment that were not revoked, oldest first, whatever release they are for."""
        return await self._read(lambda c: _approvals(c, key))


def keep_approval(connection: Connection, record: KeepApproval) -> None:
    """Insert, unless the same person approved the same before; the application is looked at."""
    one = record.approval
    same = _of(one.key) & (approvals.c.principal == str(one.principal)) & approvals.c.revoked_at.is_(None)
    same = same & (approvals.c.release_id == one.release_id) & (approvals.c.change_hash == one.change)
    if connection.execute(select(approvals.c.id).where(same)).first() is not None:
        return
    row = {
        "tenant": one.key.tenant,
        "application": one.key.application,
        "environment": one.key.environment,
        "release_id": one.release_id,
        "change_hash": one.change,
        "principal": str(one.principal),
        "name": one.principal.name,
        "door": one.door,
        "because": "",
        "command": one.command,
        "at": one.at,
    }
    connection.execute(insert(approvals).values(row))
    because = f"{one.principal.name} approved for {one.key.environment}"
    mark_dirty(connection, marks_of([one.key.owner], None), because=because, now=one.at, urgent=True)


def revoke_approvals(connection: Connection, record: RevokeApprovals, now: datetime) -> None:
    """Those of one principal, or of everybody, no longer count."""
    standing = _of(record.key) & approvals.c.revoked_at.is_(None)
    if record.principal:
        standing = standing & (approvals.c.principal == record.principal)
    connection.execute(update(approvals).where(standing).values(revoked_at=now))


def _of(key: EnvironmentKey) -> ColumnElement[bool]:
    here = (approvals.c.tenant == key.tenant) & (approvals.c.application == key.application)
    return here & (approvals.c.environment == key.environment)


def _approvals(connection: Connection, key: EnvironmentKey) -> tuple[Approval, ...]:
    wanted = select(approvals).where(_of(key), approvals.c.revoked_at.is_(None)).order_by(approvals.c.id)
    return tuple(_approval(row, key) for row in connection.execute(wanted).all())


def _approval(row: Row[tuple[object, ...]], key: EnvironmentKey) -> Approval:
    kind, _, number = row.principal.partition(":")
    return Approval(
        key=key,
        release_id=row.release_id,
        change=row.change_hash,
        principal=Principal(kind=kind, id=number, name=row.name),
        door=row.door,
        at=row.at,
        command=row.command,
    )
