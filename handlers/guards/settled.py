"""Guard: Git says the release, nothing else is on its way, and no cluster is still trying it.

A cluster that is away may be trying it: a failure that another one measured is enough to go back all the same.
"""

from datetime import datetime, timedelta

from bot.actions import Gate
from bot.observing import CanaryPhase, ClusterSeen, EnvironmentSeen, Promotion
from handlers.rollback_cases import Case

NAME = "settled"
ANALYSED: frozenset[CanaryPhase] = frozenset({"Progressing", "WaitingPromotion", "Promoting", "Finalising"})
"""Phases in which the canary takes traffic or is about to end. In `Waiting` it takes none: Git may go back at once."""
PATIENCE = timedelta(minutes=5)
"""How long a person's rollback waits for a canary to end: one without a `rollback` hook never does."""


def judge(case: Case, seen: EnvironmentSeen, here: tuple[Promotion, ...], now: datetime) -> Gate:
    """Red when Git says something else, waiting while anything moves. here: promotions of this environment."""
    if case.came != "merged":
        return uninvited(case, seen, here, now)
    declared, bad = seen.declared, case.bad.name
    if declared is None or declared.id != case.bad.id:
        because = f"Git declares {declared.name if declared else 'nothing'} in {seen.environment}, not {bad}"
        return Gate(name=NAME, verdict="red", because=because)
    if because := moving(case, seen, here, now):
        return Gate(name=NAME, verdict="waiting", because=because)
    return Gate(name=NAME, verdict="green", because=f"Git declares {bad} in {seen.environment}, and nothing moves")


def uninvited(case: Case, seen: EnvironmentSeen, here: tuple[Promotion, ...], now: datetime) -> Gate:
    """What image automation wrote: the clusters end trying what was never judged here; what stays out goes at once."""
    declared = seen.declared
    coming = [p for p in here if p.state == "merging" and declared is not None and p.release.id == declared.id]
    if coming and now - coming[0].updated_at <= PATIENCE:
        # Going back would take the merged release out of Git, which image automation is about to write.
        because = f"{coming[0].release.name} is merged, and takes its place in {seen.environment} once Flux writes it"
        return Gate(name=NAME, verdict="waiting", because=because)
    trying = still_trying(case, seen, now) if case.came == "beside" else ""
    written = f"image automation wrote {case.bad.name} into {seen.environment}"
    return Gate(name=NAME, verdict="waiting" if trying else "green", because=trying or f"{written}, no release file")


def moving(case: Case, seen: EnvironmentSeen, here: tuple[Promotion, ...], now: datetime) -> str:
    """What is still on its way; empty when nothing is."""
    if not seen.agrees:
        written = ", ".join(seen.written)
        return f"the manifests of {seen.environment} say {written}: a person wrote them, so make them agree first"
    if other := next((p for p in here if p.state == "merging" and p.release.id != case.bad.id), None):
        return f"{other.release.name} is being merged into {seen.environment}"
    if because := still_trying(case, seen, now):
        return because
    if case.request is None and seen.standing is not None and seen.standing.id != case.bad.id:
        return f"the manifests of {seen.environment} still say {seen.standing.name}"
    return ""


def still_trying(case: Case, seen: EnvironmentSeen, now: datetime) -> str:
    """The clusters that have not ended its roll-out; empty when all have.

    One whose API is away is waited for only while no cluster measured the failure and no person asked: a measured
    failure is true of the release wherever it was measured, any other may be that one cluster's own.
    """
    trying = [cluster for cluster in seen.clusters if tries(cluster, case, now)]
    return (
        f"{case.bad.name} is not done: {'; '.join(f'{c.cluster} says {c.because}' for c in trying)}" if trying else ""
    )


def tries(cluster: ClusterSeen, case: Case, now: datetime) -> bool:
    """The roll-out has not ended there.

    For a person's request only a canary under analysis counts, and not for long: its `rollback` gate is open by then.
    """
    if cluster.away:
        return case.request is None and case.failure.kind != "measured"
    if cluster.attempt is None or cluster.attempt.id != case.bad.id or cluster.health in ("failed", "healthy"):
        return False
    if case.request is None:
        return True
    canary = cluster.canary
    analysed = canary is not None and canary.carries and not canary.serves and canary.phase in ANALYSED
    return analysed and now - case.request.at <= PATIENCE
