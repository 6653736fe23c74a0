"""Guard: Git declares the release, nothing else is on its way, and no cluster is still trying it."""

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
    declared, bad = seen.declared, case.bad.name
    if declared is None or declared.id != case.bad.id:
        because = f"Git declares {declared.name if declared else 'nothing'} in {seen.environment}, not {bad}"
        return Gate(name=NAME, verdict="red", because=because)
    if because := moving(case, seen, here, now):
        return Gate(name=NAME, verdict="waiting", because=because)
    return Gate(name=NAME, verdict="green", because=f"Git declares {bad} in {seen.environment}, and nothing moves")


def moving(case: Case, seen: EnvironmentSeen, here: tuple[Promotion, ...], now: datetime) -> str:
    """What is still on its way; empty when nothing is."""
    if not seen.agrees:
        written = ", ".join(seen.written)
        return f"the manifests of {seen.environment} say {written}: a person wrote them, so make them agree first"
    if other := next((p for p in here if p.state == "merging" and p.release.id != case.bad.id), None):
        return f"{other.release.name} is being merged into {seen.environment}"
    if trying := [cluster for cluster in seen.clusters if tries(cluster, case, now)]:
        return f"{case.bad.name} is not done: " + "; ".join(f"{c.cluster} says {c.because}" for c in trying)
    if case.request is None and seen.standing is not None and seen.standing.id != case.bad.id:
        return f"the manifests of {seen.environment} still say {seen.standing.name}"
    return ""


def tries(cluster: ClusterSeen, case: Case, now: datetime) -> bool:
    """The roll-out has not ended there.

    For a person's request only a canary under analysis counts, and not for long: its `rollback` gate is open by then.
    """
    if cluster.attempt is None or cluster.attempt.id != case.bad.id or cluster.health in ("failed", "healthy"):
        return False
    if case.request is None:
        return True
    canary = cluster.canary
    analysed = canary is not None and canary.carries and not canary.serves and canary.phase in ANALYSED
    return analysed and now - case.request.at <= PATIENCE
