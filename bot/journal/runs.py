"""Each decision is kept with all it was made from: facts, policy, moment, and the deliveries that caused it.

A run equal to the one before it (same key, handler, subject, facts, policy, decision, outcome, and nothing written)
adds no row: it counts as one more repeat of it, so that a world without news costs one update. Both the first and the
last moment of such a run are kept, and the decision is the same at both.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, literal, select, update

from bot.actions import Inside, LookAgain
from bot.errors import PermanentError, StaleError
from bot.journal.area import Area, insert_or_ignore
from bot.journal.audit import write_audit
from bot.journal.dirtying import count_up
from bot.journal.documents import keep
from bot.journal.keeping import keep_records
from bot.journal.schema import DIRTY, run_causes, runs, work_causes
from bot.journal.work import Claim, hold_fence
from bot.keys import Key, Subject, parse_key
from bot.tracing.carried import current

CAUSES = 1000
"""Deliveries named in a run at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A decision as it was made. decided_at, last_at: the first and last `now` of its `repeats`.

    facts_sha, policy_sha: see `Journal.document`. decision: the JSON as given. effects: natural keys written.
    """

    id: int
    key: Key
    handler: str
    subject: str
    from_seq: int
    to_seq: int
    fence: int
    facts_sha: str
    policy_sha: str
    decided_at: datetime
    last_at: datetime
    repeats: int
    decision: bytes
    outcome: str
    because: str
    effects: tuple[str, ...]
    trace: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A run about to be recorded; the bytes as in `record_run`."""

    claim: Claim
    handler: str
    subject: str
    facts: bytes
    policy: bytes | str
    now: datetime
    decision: bytes
    outcome: str
    because: str
    effects: tuple[str, ...]
    records: tuple[Inside, ...]
    trace: str


class Runs(Area):
    """What was decided."""

    async def record_run(
        self,
        claim: Claim,
        *,
        handler: str,
        subject: Subject,
        facts: bytes,
        policy: bytes | str,
        now: datetime,
        decision: bytes,
        outcome: str,
        because: str,
        effects: Sequence[str] = (),
        records: Sequence[Inside] = (),
        trace: str = "",
    ) -> int:
        """Record a run and, in the same transaction, the inside actions it decided on; returns its id.

        facts, decision: canonical JSON. policy: its bytes, or the hash `store_document` gave. effects: the natural
        keys written outside. trace: by default that of the active span, else of what caused it first.
        StaleError when the claim was lost: the run is history and kept all the same, its records are not.
        """
        made = Made(
            claim=claim,
            handler=handler,
            subject=str(subject),
            facts=facts,
            policy=policy,
            now=now,
            decision=decision,
            outcome=outcome,
            because=because,
            effects=tuple(effects),
            records=tuple(records),
            trace=trace or current() or next(iter(claim.traces), ""),
        )
        stored = self._now()
        installation = self.installation_id
        looks = any(isinstance(record, LookAgain) for record in made.records)
        run, lost = await self._write_and_wake(lambda c: _record(c, made, stored, installation), when=lambda _: looks)
        if lost is not None:
            raise lost
        return run

    async def keep(self, claim: Claim, records: Sequence[Inside]) -> None:
        """Record inside actions before their run ends; StaleError when the claim was lost, then nothing is kept."""
        now, installation = self._now(), self.installation_id

        def kept(connection: Connection) -> None:
            _in_order(connection, records)
            hold_fence(connection, claim)
            keep_records(connection, records, now, installation)

        await self._write_and_wake(kept)

    async def runs(
        self, *, key: Key | None = None, subject: Subject | None = None, handler: str | None = None, limit: int = 50
    ) -> list[Run]:
        """The newest first; without a filter, all of them."""
        return await self._read(lambda c: _runs(c, key, subject, handler, limit))

    async def run(self, run: int) -> Run:
        """One run; PermanentError when there is none, or no longer."""
        return await self._read(lambda c: _run(c, run))


def _record(connection: Connection, made: Made, stored: datetime, installation: str) -> tuple[int, StaleError | None]:
    _in_order(connection, made.records)
    lost = _lost(connection, made.claim)
    values = _values(connection, made, stored)
    run = _repeat(connection, made, values) or _new(connection, made, values)
    _add_causes(connection, run, made.claim)
    if lost is None:
        keep_records(connection, made.records, stored, installation)
    return run, lost


def _in_order(connection: Connection, records: Iterable[Inside]) -> None:
    """Who makes keys dirty takes the counter before any key, as arriving deliveries do: else the two could deadlock."""
    if any(isinstance(record, LookAgain) for record in records):
        count_up(connection, DIRTY, 0)


def _lost(connection: Connection, claim: Claim) -> StaleError | None:
    try:
        hold_fence(connection, claim)
    except StaleError as error:
        return error
    return None


def _values(connection: Connection, made: Made, stored: datetime) -> dict[str, object]:
    policy = made.policy if isinstance(made.policy, str) else keep(connection, made.policy, stored)
    return {
        "key": str(made.claim.key),
        "handler": made.handler,
        "subject": made.subject,
        "facts_sha": keep(connection, made.facts, stored),
        "policy_sha": policy,
        "decision": made.decision,
        "outcome": made.outcome,
        "because": made.because,
        "effects": json.dumps(made.effects),
    }


def _repeat(connection: Connection, made: Made, values: dict[str, object]) -> int | None:
    last = (
        select(runs)
        .where(runs.c.key == values["key"], runs.c.handler == made.handler, runs.c.subject == made.subject)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    row = connection.execute(last).one_or_none()
    if made.effects or row is None or any(row._mapping[name] != value for name, value in values.items()):
        return None
    again = {"last_at": made.now, "repeats": runs.c.repeats + 1, "to_seq": made.claim.to_seq, "fence": made.claim.fence}
    connection.execute(update(runs).where(runs.c.id == row.id).values(**again))
    run: int = row.id
    return run


def _new(connection: Connection, made: Made, values: dict[str, object]) -> int:
    claim = made.claim
    moment = {"decided_at": made.now, "last_at": made.now, "repeats": 1, "trace": made.trace}
    place = {"from_seq": claim.from_seq, "to_seq": claim.to_seq, "fence": claim.fence}
    run: int = connection.execute(insert(runs).values(**values, **moment, **place).returning(runs.c.id)).scalar_one()
    told = {name: value for name, value in values.items() if isinstance(value, str) and name != "effects"}
    told["decision_sha"] = hashlib.sha256(made.decision).hexdigest()
    payload = {**told, "run": run, "effects": made.effects, "fence": claim.fence, "now": made.now.isoformat()}
    write_audit(connection, made.subject, "run", json.dumps(payload, sort_keys=True).encode(), made.now)
    return run


def _add_causes(connection: Connection, run: int, claim: Claim) -> None:
    if claim.from_seq == claim.to_seq:
        return
    covered = select(literal(run), work_causes.c.delivery).where(
        work_causes.c.key == str(claim.key), work_causes.c.seq > claim.from_seq, work_causes.c.seq <= claim.to_seq
    )
    connection.execute(insert_or_ignore(connection, run_causes).from_select(["run", "delivery"], covered.distinct()))


def _runs(
    connection: Connection, key: Key | None, subject: Subject | None, handler: str | None, limit: int
) -> list[Run]:
    wanted = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if key is not None:
        wanted = wanted.where(runs.c.key == str(key))
    if subject is not None:
        wanted = wanted.where(runs.c.subject == str(subject))
    if handler is not None:
        wanted = wanted.where(runs.c.handler == handler)
    return [_run_of(connection, row) for row in connection.execute(wanted).all()]


def _run(connection: Connection, run: int) -> Run:
    row = connection.execute(select(runs).where(runs.c.id == run)).one_or_none()
    if row is None:
        raise PermanentError(f"there is no run {run}: it was never recorded, or retention dropped it.")
    return _run_of(connection, row)


def _run_of(connection: Connection, row: Row[tuple[object, ...]]) -> Run:
    causes = select(run_causes.c.delivery).where(run_causes.c.run == row.id).order_by(run_causes.c.delivery)
    return Run(
        id=row.id,
        key=parse_key(row.key),
        handler=row.handler,
        subject=row.subject,
        from_seq=row.from_seq,
        to_seq=row.to_seq,
        fence=row.fence,
        facts_sha=row.facts_sha,
        policy_sha=row.policy_sha,
        decided_at=row.decided_at,
        last_at=row.last_at,
        repeats=row.repeats,
        decision=row.decision,
        outcome=row.outcome,
        because=row.because,
        effects=tuple(json.loads(row.effects)),
        trace=row.trace,
        causes=tuple(connection.scalars(causes.limit(CAUSES))),
    )
