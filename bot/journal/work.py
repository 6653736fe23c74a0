"""Work is claimed by key with a lease and a fence: one owner at a time, and a late one is told so.

`wake_at` is when a key is due: set to now by dirtying it, to a later moment by `finish` and `retry`, to nothing when
nothing is waited for. Moments come from the replica's own clock: keep the replicas' clocks within a second or two
(NTP); an owner whose lease was taken early by a fast clock is stopped by the fence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Row, Select, case, func, literal, or_, select, type_coerce, update
from sqlalchemy.sql.elements import ColumnElement

from bot.errors import StaleError, TemporaryError
from bot.journal.area import Area
from bot.journal.backoff import FLOOR, backoff
from bot.journal.dirtying import mark_dirty, marks_of, usual_priority
from bot.journal.moments import MICROSECOND, Moment
from bot.journal.schema import deliveries, work, work_causes
from bot.journal.schema_records import holds
from bot.keys import ApplicationKey, Key, parse_key

AGING = timedelta(seconds=10)
"""How much longer work of the next lower priority has waited when both are equally urgent."""
CAUSES = 100
"""Deliveries named in a claim at most (the newest); `run_causes` has all of them."""
LONGEST_ERROR = 2000
"""Characters of an error that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a key until `lease_until`, as long as nobody was given a higher fence.

    from_seq, to_seq: what was dirtied after from_seq up to to_seq is covered by this claim; equal when only time came.
    attempts: failures since the last finish, an owner that vanished counted as one.
    causes: ids of the newest deliveries that made it dirty. traces: traceparents of who asked for the work: those
    `carried` by the key itself (separated by spaces), of runs and of people's requests, then those of the deliveries.
    """

    key: Key
    owner: str
    from_seq: int
    to_seq: int
    fence: int
    lease_until: datetime
    attempts: int
    because: str
    causes: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    carried: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadWork:
    """Work given up with its reason; dirtying its key, or redelivering what caused it, revives it."""

    key: Key
    reason: str
    dead_at: datetime
    attempts: int
    causes: tuple[str, ...]


class Work(Area):
    """What is to be looked at, and by whom."""

    async def dirty(
        self, keys: Iterable[Key], *, because: str, delivery: str | None = None, urgent: bool = False
    ) -> int:
        """These keys need a look; returns the last number given. Dead work among them lives again."""
        marks = marks_of(keys, delivery)
        now = self._now()
        return await self._write_and_wake(lambda c: mark_dirty(c, marks, because=because, now=now, urgent=urgent))

    async def claim(self, owner: str, *, lease: timedelta, limit: int) -> list[Claim]:
        """Take up to `limit` due keys: urgent first, looks before decisions, and the longest waiting before younger."""
        now = self._now()
        return await self._write(lambda c: _claim(c, owner, now + lease, limit, now))

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """The same claim for longer; StaleError when it was lost."""
        until = self._now() + lease
        await self._write(lambda c: _update(c, claim, lease_until=until))
        return replace(claim, lease_until=until)

    async def finish(self, claim: Claim, *, wake_at: datetime | None, because: str) -> None:
        """All that the claim covers is done; look again at `wake_at`, or at once if it was dirtied meanwhile.

        A hold of the application that runs out earlier is a reason to look, too.
        """
        now = self._now()
        await self._write_and_wake(lambda c: _finish(c, claim, wake_at, because, now))

    async def retry(self, claim: Claim, *, error: TemporaryError, wake_at: datetime | None = None) -> datetime:
        """Try again at `wake_at`, by default after the back-off; returns that moment.

        Dirtied anew it is due earlier, but not before what `error.retry_after` asks, or the floor of a second.
        """
        now = self._now()
        wait = backoff(claim.attempts + 1, retry_after=error.retry_after, chance=self._chance)
        due = now + wait if wake_at is None else wake_at
        not_before = min(due, now + (error.retry_after or FLOOR))
        await self._write_and_wake(lambda c: _retry(c, claim, str(error), due, not_before))
        return due

    async def bury(self, claim: Claim, *, reason: str) -> None:
        """Give the key up with a reason, until it is dirtied or redelivered; what came meanwhile still counts."""
        now = self._now()
        await self._write_and_wake(lambda c: _bury(c, claim, reason, now))

    async def due_in(self) -> timedelta | None:
        """How long until something is due (zero: now); None when nothing waits for time."""
        now = self._now()
        due = await self._read(_next_due)
        return None if due is None else max(due - now, timedelta(0))

    async def wait(self, timeout: timedelta | None) -> bool:
        """Sleep until there may be work: True when woken, False when `timeout` came first. See `Wakeups.wait`."""
        return await self._wakeups.wait(timeout)

    async def dead_work(self, limit: int = 100) -> list[DeadWork]:
        """Work that was given up, newest first."""
        return await self._read(lambda c: _dead_work(c, limit))


def hold_fence(connection: Connection, claim: Claim) -> datetime:
    """Lock the claim's row and return until when its lease lasts; StaleError when it was lost."""
    row = connection.execute(
        select(work.c.owner, work.c.fence, work.c.lease_until).where(work.c.key == str(claim.key)).with_for_update()
    ).one_or_none()
    if row is None or row.owner != claim.owner or row.fence != claim.fence or row.lease_until is None:
        raise _lost(claim)
    until: datetime = row.lease_until
    return until


def _lost(claim: Claim) -> StaleError:
    return StaleError(
        f"{claim.owner} no longer holds {claim.key}: its lease ended and the key was taken, or it was given back. "
        "What it saw is old; whoever holds the key looks again."
    )


def _update(connection: Connection, claim: Claim, **values: object) -> None:
    ours = (work.c.key == str(claim.key)) & (work.c.fence == claim.fence) & (work.c.owner == claim.owner)
    if connection.execute(update(work).where(ours).values(**values)).rowcount != 1:
        raise _lost(claim)


def _claim(connection: Connection, owner: str, until: datetime, limit: int, now: datetime) -> list[Claim]:
    rows = connection.execute(_due(now, limit)).all()
    return [_take(connection, row, owner, until) for row in rows]


def _due(now: datetime, limit: int) -> Select[tuple[str, str | None]]:
    # Plain integers: the column type would take the sum for a moment.
    rank = type_coerce(work.c.wake_at, BigInteger) + work.c.priority * (AGING // MICROSECOND)
    return (
        select(work.c.key, work.c.owner)
        .where(work.c.wake_at <= now, or_(work.c.lease_until.is_(None), work.c.lease_until <= now))
        .order_by(rank, work.c.key)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _take(connection: Connection, due: Row[tuple[str, str | None]], owner: str, until: datetime) -> Claim:
    vanished = 0 if due.owner is None else 1
    taken = (
        update(work)
        .where(work.c.key == due.key)
        .values(owner=owner, lease_until=until, fence=work.c.fence + 1, attempts=work.c.attempts + vanished)
        .returning(work.c.done_seq, work.c.dirty_seq, work.c.fence, work.c.attempts, work.c.because, work.c.traces)
    )
    row = connection.execute(taken).one()
    causes = _causes(connection, due.key, row.done_seq, row.dirty_seq)
    return Claim(
        key=parse_key(due.key),
        owner=owner,
        from_seq=row.done_seq,
        to_seq=row.dirty_seq,
        fence=row.fence,
        lease_until=until,
        attempts=row.attempts,
        because=row.because,
        causes=tuple(cause.id for cause in causes),
        traces=(*row.traces.split(), *(cause.trace for cause in causes if cause.trace)),
        carried=row.traces,
    )


def _causes(connection: Connection, key: str, after: int, upto: int) -> list[Row[tuple[str, str]]]:
    if after == upto:
        return []
    newest = (
        select(deliveries.c.id, deliveries.c.trace)
        .join(work_causes, work_causes.c.delivery == deliveries.c.id)
        .where(work_causes.c.key == key, work_causes.c.seq > after, work_causes.c.seq <= upto)
        .order_by(work_causes.c.seq.desc())
        .limit(CAUSES)
    )
    return list(reversed(connection.execute(newest).all()))


def _dirtied_since(claim: Claim) -> ColumnElement[bool]:
    return work.c.dirty_seq > claim.to_seq


def _finish(connection: Connection, claim: Claim, wake_at: datetime | None, because: str, now: datetime) -> None:
    again = _dirtied_since(claim)
    _update(
        connection,
        claim,
        done_seq=claim.to_seq,
        wake_at=case((again, work.c.wake_at), else_=_next_look(claim.key, wake_at, now)),
        not_before=None,
        priority=case((again, work.c.priority), else_=usual_priority(claim.key)),
        because=case((again, work.c.because), else_=because),
        traces=case((again, func.ltrim(func.substr(work.c.traces, len(claim.carried) + 1))), else_=""),
        attempts=0,
        error="",
        owner=None,
        lease_until=None,
    )


def _next_look(key: Key, wake_at: datetime | None, now: datetime) -> ColumnElement[datetime | None]:
    if not isinstance(key, ApplicationKey):
        return literal(wake_at, Moment)
    held = (holds.c.tenant == key.tenant) & (holds.c.application == key.application) & holds.c.lifted_at.is_(None)
    ends = select(func.min(holds.c.until)).where(held, holds.c.until > now)
    if wake_at is not None:
        ends = ends.where(holds.c.until < wake_at)
    return func.coalesce(ends.scalar_subquery(), literal(wake_at, Moment))


def _retry(connection: Connection, claim: Claim, error: str, due: datetime, not_before: datetime) -> None:
    _update(
        connection,
        claim,
        wake_at=case((_dirtied_since(claim), literal(not_before, Moment)), else_=literal(due, Moment)),
        not_before=not_before,
        attempts=claim.attempts + 1,
        error=error[:LONGEST_ERROR],
        owner=None,
        lease_until=None,
    )


def _bury(connection: Connection, claim: Claim, reason: str, now: datetime) -> None:
    again = _dirtied_since(claim)
    _update(
        connection,
        claim,
        wake_at=case((again, literal(now + FLOOR, Moment)), else_=None),
        not_before=now + FLOOR,
        attempts=claim.attempts + 1,
        error=reason[:LONGEST_ERROR],
        dead_at=case((again, None), else_=literal(now, Moment)),
        owner=None,
        lease_until=None,
    )


def _next_due(connection: Connection) -> datetime | None:
    arrived = select(deliveries.c.received_at).where(deliveries.c.phase == "received").limit(1)
    free = select(work.c.wake_at).where(work.c.lease_until.is_(None), work.c.wake_at.is_not(None))
    held = select(work.c.lease_until).where(work.c.lease_until.is_not(None), work.c.wake_at.is_not(None))
    moments = [
        connection.execute(arrived).scalar(),
        connection.execute(free.order_by(work.c.wake_at).limit(1)).scalar(),
        connection.execute(held.order_by(work.c.lease_until).limit(1)).scalar(),
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def _dead_work(connection: Connection, limit: int) -> list[DeadWork]:
    rows = connection.execute(
        select(work).where(work.c.dead_at.is_not(None)).order_by(work.c.dead_at.desc()).limit(limit)
    )
    return [_dead(connection, row) for row in rows.all()]


def _dead(connection: Connection, row: Row[tuple[object, ...]]) -> DeadWork:
    causes = _causes(connection, row.key, row.done_seq, row.dirty_seq)
    return DeadWork(
        key=parse_key(row.key),
        reason=row.error,
        dead_at=row.dead_at,
        attempts=row.attempts,
        causes=tuple(cause.id for cause in causes),
    )
