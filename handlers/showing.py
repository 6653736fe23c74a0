"""What the merge request of a promotion shows: its blocking status and its sticky note."""

from bot.actions import Gate, PublishGates, StatusState, WriteSticky
from bot.events import EnvironmentKey
from bot.observing import MergeRequestSeen, Release


def publish(key: EnvironmentKey, request: MergeRequestSeen, gates: tuple[Gate, ...]) -> PublishGates:
    """`sluice/gates` on the head: failed for a red gate, pending while one waits, success when all are green."""
    return PublishGates(
        key=key,
        sha=request.sha,
        ref=request.proof.ref,
        pipeline_id=request.proof.pipeline_id,
        state=state_of(gates),
        because="; ".join(gate.because for gate in gates if gate.verdict != "green") or "all gates are green",
    )


def state_of(gates: tuple[Gate, ...]) -> StatusState:
    """The state GitLab is told for a set of gates."""
    verdicts = {gate.verdict for gate in gates}
    return "failed" if "red" in verdicts else "pending" if "waiting" in verdicts else "success"


def show(
    key: EnvironmentKey, request: MergeRequestSeen, target: Release, state: str, gates: tuple[Gate, ...]
) -> WriteSticky:
    """The sticky note: the state and every gate with its sentence."""
    because = f"{target.name} is {state}"
    return WriteSticky(key=key, merge_request=request.iid, release=target, state=state, gates=gates, because=because)
