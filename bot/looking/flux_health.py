"""How a Kustomization fares, by Flux's conditions alone."""

from dataclasses import dataclass

from bot.clients.kubernetes import FluxObject
from bot.records import FailureCause, Health

WAITING_REASONS = frozenset({"DependencyNotReady", "Progressing", "ProgressingWithRetry", "HealthCheckCanceled"})
"""Reasons of a Ready condition that time heals (Flux kustomize API v1)."""
HEALTH_CHECK_FAILED = "HealthCheckFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Health with its sentence. failing: what makes it `failed`, else None. reason: of Flux's Ready condition."""

    health: Health
    because: str
    failing: FailureCause | None = None
    reason: str = ""


def judge(found: FluxObject) -> Judgement:
    """Health by Flux's conditions (kstatus): unknown is never healthy, a stale observation is progressing."""
    ready = found.condition("Ready")
    reason = ready.reason if ready else ""
    if found.suspended:
        return Judgement(health="unknown", because=f"Kustomization {found.name} is suspended", reason=reason)
    if ready is None or found.observed_generation != found.generation:
        because = f"Kustomization {found.name} was not looked at by Flux yet"
        return Judgement(health="progressing", because=because, reason=reason)
    if _is_stalled(found):
        return _failed(found, "Stalled", reason)
    if ready.status == "True" and found.last_attempted_revision in ("", found.last_applied_revision):
        return Judgement(health="healthy", because=f"Kustomization {found.name} is ready", reason=reason)
    if ready.status == "False" and reason not in WAITING_REASONS:
        return _failed(found, "Ready", reason)
    return Judgement(health="progressing", because=_sentence(found, "Ready"), reason=reason)


def _is_stalled(found: FluxObject) -> bool:
    stalled = found.condition("Stalled")
    return stalled is not None and stalled.status == "True"


def _failed(found: FluxObject, kind: str, reason: str) -> Judgement:
    """Only a failed health check speaks of the release; what Flux could not build or apply may have any cause."""
    said = {condition.reason for condition in found.conditions if condition.type in ("Ready", "Stalled")}
    failing: FailureCause = "health_check" if HEALTH_CHECK_FAILED in said else "reconciliation"
    return Judgement(health="failed", because=_sentence(found, kind), failing=failing, reason=reason)


def _sentence(found: FluxObject, kind: str) -> str:
    condition = found.condition(kind)
    if condition is None:
        return f"Kustomization {found.name} says nothing"
    return f"{condition.reason}: {condition.message}"[:300]
