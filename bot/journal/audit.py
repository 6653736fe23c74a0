"""The audit trail: rows join a hash chain, so that none can be changed, taken out or put in without being found.

hash = SHA-256 of the JSON array of `seq`, `at` in microseconds, `subject`, `kind`, the payload's SHA-256 and the hash
before, without spaces.
Payloads are dropped by retention; their hashes stay, and the chain with them. Rows cut off at the end are found by the
counter beside the chain, and by whoever anchored a later head elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Row, func, insert, select, update

from bot.journal.area import Area
from bot.journal.dirtying import count_up
from bot.journal.moments import to_micros
from bot.journal.schema import AUDIT, audit, counters

GENESIS = "0" * 64
PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The newest sealed row."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What verifying found. rows: how many hold, from the first. broken_at: the number of the first that does not."""

    rows: int
    head: AuditHead
    unsealed: int
    broken_at: int | None = None
    because: str = ""


class Audit(Area):
    """Who did what, and when."""

    async def audit(self, subject: str, kind: str, payload: bytes) -> None:
        """Add a row (canonical JSON); it joins the chain at the next `seal_audit`."""
        now = self._now()
        await self._write(lambda c: write_audit(c, subject, kind, payload, now))

    async def seal_audit(self, limit: int = 500) -> int:
        """Number and chain up to `limit` new rows; returns how many. Replicas that seal together take turns."""
        return await self._write(lambda c: _seal(c, limit))

    async def audit_head(self) -> AuditHead:
        """The newest sealed row, to be anchored outside this database; number 0 and zeros before the first."""
        return await self._read(_head)

    async def verify_audit(self) -> AuditReport:
        """Walk the chain from its first row to the end, or to the first row that does not hold."""
        counted, unsealed = await self._read(_expected)
        head = AuditHead(seq=0, hash=GENESIS)
        fault = ""
        while not fault and (rows := await self._read(partial(_page, after=head.seq))):
            head, fault = _follow(rows, head)
        if not fault and head.seq < counted:
            fault = f"rows {head.seq + 1} to {counted} are missing at the end"
        broken_at = head.seq + 1 if fault else None
        return AuditReport(rows=head.seq, head=head, unsealed=unsealed, broken_at=broken_at, because=fault)


def write_audit(connection: Connection, subject: str, kind: str, payload: bytes, now: datetime) -> None:
    """Add an unsealed row within the caller's transaction."""
    sha = hashlib.sha256(payload).hexdigest()
    connection.execute(insert(audit).values(at=now, subject=subject, kind=kind, payload=payload, payload_sha=sha))


def chain_hash(*, seq: int, at: datetime, subject: str, kind: str, payload_sha: str, previous: str) -> str:
    """The hash of one row, as the module says."""
    fields = [seq, to_micros(at), subject, kind, payload_sha, previous]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def _seal(connection: Connection, limit: int) -> int:
    waiting = select(audit.c.id, audit.c.at, audit.c.subject, audit.c.kind, audit.c.payload_sha)
    # Counting by nothing takes the counter's lock: from here to the commit only one seals.
    seq = count_up(connection, AUDIT, 0)
    rows = connection.execute(waiting.where(audit.c.seq.is_(None)).order_by(audit.c.id).limit(limit)).all()
    previous = _head(connection).hash
    for row in rows:
        seq += 1
        sealed = chain_hash(
            seq=seq, at=row.at, subject=row.subject, kind=row.kind, payload_sha=row.payload_sha, previous=previous
        )
        connection.execute(update(audit).where(audit.c.id == row.id).values(seq=seq, prev_hash=previous, hash=sealed))
        previous = sealed
    count_up(connection, AUDIT, len(rows))
    return len(rows)


def _head(connection: Connection) -> AuditHead:
    newest = select(audit.c.seq, audit.c.hash).where(audit.c.seq.is_not(None)).order_by(audit.c.seq.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return AuditHead(seq=0, hash=GENESIS) if row is None else AuditHead(seq=row.seq, hash=row.hash)


def _page(connection: Connection, after: int) -> list[Row[tuple[object, ...]]]:
    return list(connection.execute(select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(PAGE)).all())


def _fault(row: Row[tuple[object, ...]], before: AuditHead) -> str:
    if row.seq != before.seq + 1:
        return f"row {before.seq + 1} is missing"
    if row.prev_hash != before.hash:
        return f"row {row.seq} does not follow row {before.seq}"
    if row.payload is not None and hashlib.sha256(row.payload).hexdigest() != row.payload_sha:
        return f"the payload of row {row.seq} was changed"
    expected = chain_hash(
        seq=row.seq,
        at=row.at,
        subject=row.subject,
        kind=row.kind,
        payload_sha=row.payload_sha,
        previous=before.hash,
    )
    return "" if row.hash == expected else f"row {row.seq} was changed"


def _follow(rows: Iterable[Row[tuple[object, ...]]], head: AuditHead) -> tuple[AuditHead, str]:
    for row in rows:
        fault = _fault(row, head)
        if fault:
            return head, fault
        head = AuditHead(seq=row.seq, hash=row.hash)
    return head, ""


def _expected(connection: Connection) -> tuple[int, int]:
    counted = connection.execute(select(counters.c.value).where(counters.c.name == AUDIT)).scalar_one()
    unsealed = select(func.count()).select_from(audit).where(audit.c.seq.is_(None))
    return counted, connection.execute(unsealed).scalar_one()
