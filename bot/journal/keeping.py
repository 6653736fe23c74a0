"""The inside actions of a decision become rows: each is an upsert, so that recording twice is recording once."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection

from bot.actions import (
    Inside,
    KeepApproval,
    KeepFreeze,
    KeepHold,
    LearnConfiguration,
    LiftHolds,
    LookAgain,
    MarkTold,
    OpenRequest,
    RecordBaseline,
    RecordCanaryGates,
    RecordEnvironment,
    RecordPromotion,
    RecordRelease,
    RecordSource,
    RedeemCode,
    RevokeApprovals,
    SettleCommand,
    SettleRequest,
    Thaw,
)
from bot.journal.approving import keep_approval, revoke_approvals
from bot.journal.canaries import keep_canary_gates
from bot.journal.commands import settle_request
from bot.journal.dirtying import mark_dirty, marks_of
from bot.journal.freezing import keep_freeze, thaw
from bot.journal.heard import mark_told, open_request, settle_command
from bot.journal.holds import keep_hold, lift_holds
from bot.journal.linking import redeem_code
from bot.journal.records import (
    keep_baseline,
    keep_environment_state,
    keep_promotion,
    keep_release,
    keep_source,
)
from bot.journal.tenants import keep_configuration

Seen = (
    RecordRelease
    | RecordBaseline
    | RecordPromotion
    | RecordEnvironment
    | RecordSource
    | LearnConfiguration
    | SettleRequest
    | RecordCanaryGates
)
"""What rules saw, and how they answered requests."""
Wanted = (
    KeepApproval
    | RevokeApprovals
    | KeepHold
    | LiftHolds
    | KeepFreeze
    | Thaw
    | RedeemCode
    | OpenRequest
    | SettleCommand
    | MarkTold
)
"""What people wanted, and how their commands ended."""


def keep_records(connection: Connection, records: Iterable[Inside], now: datetime, installation: str) -> None:
    """Record each action, in order; keys to look at again become dirty last, so that who looks sees the records."""
    looks: list[LookAgain] = []
    for record in records:
        if isinstance(record, LookAgain):
            looks.append(record)
        else:
            _keep(connection, record, now, installation)
    for look in looks:
        mark_dirty(connection, marks_of(look.keys, None), because=look.because, now=now)


def _keep(
    connection: Connection,
    record: Seen | Wanted,
    now: datetime,
    installation: str,
) -> None:
    match record:
        case RecordRelease():
            keep_release(connection, record.key, record.record)
        case RecordBaseline():
            keep_baseline(connection, record.key, now)
        case RecordPromotion():
            keep_promotion(connection, record.promotion)
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
            _keep_wanted(connection, record, now)


def _keep_wanted(connection: Connection, record: Wanted, now: datetime) -> None:
    match record:
        case KeepApproval():
            keep_approval(connection, record)
        case RevokeApprovals():
            revoke_approvals(connection, record, now)
        case KeepHold():
            keep_hold(connection, record, now)
        case LiftHolds():
            lift_holds(connection, record, now)
        case KeepFreeze():
            keep_freeze(connection, record, now)
        case Thaw():
            thaw(connection, record, now)
        case RedeemCode():
            redeem_code(connection, record, now)
        case _:
            _keep_course(connection, record, now)


def _keep_course(connection: Connection, record: OpenRequest | SettleCommand | MarkTold, now: datetime) -> None:
    match record:
        case OpenRequest():
            open_request(connection, record, now)
        case SettleCommand():
            settle_command(connection, record, now)
        case MarkTold():
            mark_told(connection, record)
        case _:
            assert_never(record)
