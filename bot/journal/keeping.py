"""The inside actions of a decision become rows: each is an upsert, so that recording twice is recording once."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection

from bot.actions import (
    Inside,
    LearnConfiguration,
    LookAgain,
    RecordBaseline,
    RecordCanaryGates,
    RecordEnvironment,
    RecordPromotion,
    RecordRelease,
    RecordSource,
    SettleRequest,
)
from bot.journal.canaries import keep_canary_gates
from bot.journal.commands import settle_request
from bot.journal.dirtying import mark_dirty, marks_of
from bot.journal.records import (
    keep_baseline,
    keep_environment_state,
    keep_promotion,
    keep_release,
    keep_source,
)
from bot.journal.tenants import keep_configuration


def keep_records(
    connection: Connection, records: Iterable[Inside], now: datetime, installation: str, trace: str
) -> None:
    """Record each action, in order; keys to look at again become dirty last, so that who looks sees the records.

    trace: of the run that wants them kept.
    """
    looks: list[LookAgain] = []
    for record in records:
        if isinstance(record, LookAgain):
            looks.append(record)
        else:
            _keep(connection, record, now, installation, trace)
    for look in looks:
        mark_dirty(connection, marks_of(look.keys, None), because=look.because, now=now, trace=trace)


def _keep(
    connection: Connection,
    record: RecordRelease
    | RecordBaseline
    | RecordPromotion
    | RecordEnvironment
    | RecordSource
    | LearnConfiguration
    | SettleRequest
    | RecordCanaryGates,
    now: datetime,
    installation: str,
    trace: str,
) -> None:
    match record:
        case RecordRelease():
            keep_release(connection, record.key, record.record)
        case RecordBaseline():
            keep_baseline(connection, record.key, now)
        case RecordPromotion():
            keep_promotion(connection, record.promotion, trace)
        case RecordEnvironment():
            keep_environment_state(connection, record.state)
        case RecordSource():
            keep_source(connection, record.key, record.state, now)
        case LearnConfiguration():
            keep_configuration(connection, record, now, installation)
        case SettleRequest():
            settle_request(connection, record, now)
        case RecordCanaryGates():
            keep_canary_gates(connection, record, now)
        case _:
            assert_never(record)
