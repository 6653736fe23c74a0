"""Forgets what is no longer needed, a bounded amount each time: bodies after a week, runs after 400 days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, or_, select, update

from bot.journal.area import Area
from bot.journal.canary_messages import drop_canary_messages
from bot.journal.idempotency import KEY_STANDS
from bot.journal.schema import audit, deliveries, effects, facts, runs, work, work_causes
from bot.journal.schema_records import tenants

DELIVERIES_KEPT = KEY_STANDS
DEAD_KEPT = timedelta(days=30)
"""How long a delivery is kept that failed, or whose work is not done: time for a person to look at it."""
RUNS_KEPT = timedelta(days=400)
"""Design section 8; audit payloads and effects alike."""
DOCUMENTS_KEPT = timedelta(days=1)
"""How long a document stays that nothing refers to: the run that will may still be under way."""
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """How many rows one call let go. more: some kind used its whole batch, so another call is worth it."""

    deliveries: int
    runs: int
    documents: int
    payloads: int
    effects: int
    canary_messages: int

    @property
    def more(self) -> bool:
        """Whether there may be more to forget."""
        return BATCH in (self.deliveries, self.runs, self.payloads, self.effects, self.canary_messages)


class Retention(Area):
    """What is forgotten."""

    async def retain(self, now: datetime) -> Retained:
        """Forget up to a batch of each kind, each in a transaction of its own, so that nobody waits long.

        Deliveries go after 7 days once processed and their work done (else after 30 days; never while still to be
        parsed), runs, done effects and audit payloads after 400 days, documents with the last run that used them,
        and of what Flagger said of a canary all but the newest 100 sentences.
        """
        gone = await self._write(lambda c: _drop_deliveries(c, now))
        runs_gone, documents = await self._write(lambda c: _drop_runs(c, now - RUNS_KEPT, now - DOCUMENTS_KEPT))
        payloads = await self._write(lambda c: _drop_payloads(c, now - RUNS_KEPT))
        effects_gone = await self._write(lambda c: _drop_effects(c, now - RUNS_KEPT))
        messages = await self._write(lambda c: drop_canary_messages(c, BATCH))
        return Retained(
            deliveries=gone,
            runs=runs_gone,
            documents=documents,
            payloads=payloads,
            effects=effects_gone,
            canary_messages=messages,
        )


def _drop_deliveries(connection: Connection, now: datetime) -> int:
    undone = exists().where(
        work_causes.c.delivery == deliveries.c.id,
        work.c.key == work_causes.c.key,
        work_causes.c.seq > work.c.done_seq,
    )
    processed = deliveries.c.phase.in_(("done", "unheard", "unreadable")) & ~undone
    old = (
        select(deliveries.c.seq)
        .where(
            deliveries.c.received_at < now - DELIVERIES_KEPT,
            deliveries.c.phase != "received",
            or_(processed, deliveries.c.received_at < now - DEAD_KEPT),
        )
        .order_by(deliveries.c.received_at)
        .limit(BATCH)
    )
    return connection.execute(delete(deliveries).where(deliveries.c.seq.in_(old))).rowcount


def _drop_runs(connection: Connection, before: datetime, unused_since: datetime) -> tuple[int, int]:
    old = select(runs.c.id).where(runs.c.last_at < before).order_by(runs.c.last_at).limit(BATCH)
    gone = connection.execute(
        delete(runs).where(runs.c.id.in_(old)).returning(runs.c.facts_sha, runs.c.policy_sha)
    ).all()
    documents = sorted({sha for row in gone for sha in (row.facts_sha, row.policy_sha)})
    dropped = [sha for sha in documents if _drop_document(connection, sha, unused_since)]
    return len(gone), len(dropped)


def _drop_document(connection: Connection, sha: str, unused_since: datetime) -> bool:
    used = exists().where(or_(runs.c.facts_sha == sha, runs.c.policy_sha == sha))
    decides = exists().where(tenants.c.policy_sha == sha)
    unused = (facts.c.sha == sha) & (facts.c.used_at < unused_since)
    return connection.execute(delete(facts).where(unused, ~used, ~decides)).rowcount == 1


def _drop_payloads(connection: Connection, before: datetime) -> int:
    old = (
        select(audit.c.id)
        .where(audit.c.at < before, audit.c.payload.is_not(None), audit.c.seq.is_not(None))
        .order_by(audit.c.at)
        .limit(BATCH)
    )
    return connection.execute(update(audit).where(audit.c.id.in_(old)).values(payload=None)).rowcount


def _drop_effects(connection: Connection, before: datetime) -> int:
    old = (
        select(effects.c.key)
        .where(effects.c.intent_at < before, effects.c.done_at.is_not(None))
        .order_by(effects.c.intent_at)
        .limit(BATCH)
    )
    return connection.execute(delete(effects).where(effects.c.key.in_(old))).rowcount
