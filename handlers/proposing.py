"""What a promotion writes to GitLab: the merge request, its blocking status, its sticky note, and the merge."""

from bot.actions import Gate, Line, MergePromotion, ProposePromotion, PublishGates, WriteSticky
from bot.events import EnvironmentKey
from bot.observing import Comparison, MergeRequestSeen, Release

REBUILD = frozenset({"conflict", "need_rebase"})
"""GitLab's `detailed_merge_status` values that a branch built anew on the default branch heals."""


def propose(
    key: EnvironmentKey,
    target: Release,
    declared: Release | None,
    request: MergeRequestSeen | None,
    comparison: Comparison | None,
    gates: tuple[Gate, ...],
) -> ProposePromotion | None:
    """The merge request as it should be, or None when it is so; a branch somebody else wrote to is left alone."""
    draft = any(gate.verdict != "green" for gate in gates)
    if request is not None and not request.ours:
        return None
    stale = request is None or request.proposes is None or request.proposes.id != target.id or request.status in REBUILD
    if not stale and request is not None and request.draft == draft:
        return None
    return ProposePromotion(
        key=key,
        release=target,
        replaces=declared,
        draft=draft,
        changes=tuple(Line(sha=c.sha, title=c.title) for c in comparison.brings) if comparison else (),
        changes_url=comparison.url if comparison else "",
        because=gates[0].because,
        rebuild=stale,
    )


def publish(key: EnvironmentKey, request: MergeRequestSeen, gates: tuple[Gate, ...]) -> PublishGates:
    """`sluice/gates` on the head: failed for a red gate, pending while one waits, success when all are green."""
    verdicts = {gate.verdict for gate in gates}
    shut = [gate for gate in gates if gate.verdict != "green"]
    return PublishGates(
        key=key,
        sha=request.sha,
        ref=request.proof.ref,
        pipeline_id=request.proof.pipeline_id,
        state="failed" if "red" in verdicts else "pending" if "waiting" in verdicts else "success",
        because="; ".join(gate.because for gate in shut) or "all gates are green",
    )


def show(
    key: EnvironmentKey, request: MergeRequestSeen, target: Release, state: str, gates: tuple[Gate, ...]
) -> WriteSticky:
    """The sticky note: the state and every gate with its sentence."""
    return WriteSticky(
        key=key, merge_request=request.iid, release=target, state=state, gates=gates, because=f"{target.name} is {state}"
    )


def merge(key: EnvironmentKey, request: MergeRequestSeen, target: Release, because: str) -> tuple[MergePromotion, ...]:
    """The merge, once GitLab itself calls the request mergeable; any other verdict means "look again" (failures F9)."""
    if request.draft or request.status != "mergeable":
        return ()
    return (MergePromotion(key=key, merge_request=request.iid, sha=request.sha, release=target, because=because),)
