"""The stored answers to Flagger's questions: one row per canary and gate, written by a rule and read by the gates."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.sql.elements import ColumnElement

from bot.actions import RecordCanaryGates
from bot.journal.area import Area, insert_or_update
from bot.journal.schema_records import canary_gates
from bot.keys import EnvironmentKey
from bot.records import CanaryGate, CanaryGateName, DatedGate

REFERENCES = TypeAdapter(tuple[str, ...])


class Canaries(Area):
    """What Flagger is answered."""

    async def canary_gate(self, cluster: str, canary: str, gate: CanaryGateName) -> DatedGate | None:
        """The stored answer and since when; None for a canary no policy names. canary: `<namespace>/<name>`."""
        return await self._read(lambda c: _gate(c, cluster, canary, gate))

    async def canary_gates(self, key: EnvironmentKey) -> tuple[CanaryGate, ...]:
        """Every stored answer of the environment, by cluster, canary and gate (as text)."""
        return await self._read(lambda c: _gates(c, key))


def keep_canary_gates(connection: Connection, record: RecordCanaryGates, now: datetime) -> None:
    """These are the environment's answers from now on; what it answered before and is not among them goes."""
    connection.execute(delete(canary_gates).where(_here(record.key)))
    # In one order, so that two writers never wait for each other's rows.
    for gate in sorted(record.gates, key=lambda gate: (gate.cluster, gate.canary, gate.gate)):
        connection.execute(insert_or_update(connection, canary_gates).values(_row(record.key, gate, now)))


def _here(key: EnvironmentKey) -> ColumnElement[bool]:
    here = (canary_gates.c.tenant == key.tenant) & (canary_gates.c.application == key.application)
    return here & (canary_gates.c.environment == key.environment)


def _row(key: EnvironmentKey, gate: CanaryGate, now: datetime) -> dict[str, object]:
    return {
        "cluster": gate.cluster,
        "canary": gate.canary,
        "gate": gate.gate,
        "tenant": key.tenant,
        "application": key.application,
        "environment": key.environment,
        "images": REFERENCES.dump_json(gate.images).decode(),
        "open": gate.open,
        "because": gate.because,
        "updated_at": now,
    }


def _gate(connection: Connection, cluster: str, canary: str, gate: CanaryGateName) -> DatedGate | None:
    asked = (canary_gates.c.cluster == cluster) & (canary_gates.c.canary == canary) & (canary_gates.c.gate == gate)
    row = connection.execute(select(canary_gates).where(asked)).one_or_none()
    return None if row is None else DatedGate(gate=_gate_of(row), at=row.updated_at)


def _gates(connection: Connection, key: EnvironmentKey) -> tuple[CanaryGate, ...]:
    found = canary_gates.c
    rows = connection.execute(select(canary_gates).where(_here(key)).order_by(found.cluster, found.canary, found.gate))
    return tuple(_gate_of(row) for row in rows.all())


def _gate_of(row: Row[tuple[object, ...]]) -> CanaryGate:
    return CanaryGate(
        cluster=row.cluster,
        canary=row.canary,
        gate=row.gate,
        images=REFERENCES.validate_json(row.images),
        open=row.open,
        because=row.because,
    )
