"""Each action has exactly one effect, and mypy finds the one that has none."""

from bot.acting import adopting, answering, proposing, reporting, tagging, telling, undoing
from bot.acting.hands import Done, Hands
from bot.actions import (
    ClosePromotion,
    LiftPin,
    MergePromotion,
    MergeRollback,
    OpenIncident,
    Outside,
    PlaceTag,
    ProposePromotion,
    PublishGates,
    React,
    Reply,
    RevokeDenial,
    RollBack,
    TellPromotion,
    TellSource,
    WriteCommitStatus,
    WriteDeployment,
    WriteInstall,
    WriteSticky,
)

Undone = RollBack | MergeRollback | LiftPin | RevokeDenial | OpenIncident | TellPromotion | TellSource


async def make(action: Outside, hands: Hands) -> Done:
    """Make it so, whatever was made of it before."""
    match action:
        case ProposePromotion():
            return await proposing.propose(action, hands)
        case MergePromotion():
            return await proposing.merge(action, hands)
        case ClosePromotion():
            return await proposing.close(action, hands)
        case PublishGates():
            return await telling.publish_gates(action, hands)
        case WriteSticky():
            return await telling.write_sticky(action, hands)
        case WriteCommitStatus() | WriteDeployment() | React() | Reply():
            return await _show(action, hands)
        case WriteInstall():
            return await adopting.write_install(action, hands)
        case PlaceTag():
            return await tagging.place_tag(action, hands)
        case _:
            return await _undo(action, hands)


async def _show(action: WriteCommitStatus | WriteDeployment | React | Reply, hands: Hands) -> Done:
    match action:
        case WriteCommitStatus():
            return await telling.write_commit_status(action, hands)
        case WriteDeployment():
            return await telling.write_deployment(action, hands)
        case React():
            return await answering.react(action, hands)
        case Reply():
            return await answering.reply(action, hands)


async def _undo(action: Undone, hands: Hands) -> Done:
    match action:
        case RollBack():
            return await undoing.roll_back(action, hands)
        case MergeRollback():
            return await undoing.merge_rollback(action, hands)
        case LiftPin():
            return await undoing.lift_pin(action, hands)
        case RevokeDenial():
            return await undoing.revoke_denial(action, hands)
        case OpenIncident():
            return await reporting.open_incident(action, hands)
        case TellPromotion():
            return await reporting.tell_promotion(action, hands)
        case TellSource():
            return await reporting.tell_source(action, hands)
