"""What a failed roll-out proves: by what it ended, from what it was read, and whether anybody measured the release.

The sentences are Flagger's own (pkg/controller/scheduler.go, scheduler_metrics.go and pkg/canary/deployment_ready.go
of 1.41); a sentence that is not known proves nothing.
"""

from dataclasses import replace
from datetime import UTC, datetime
from re import compile as pattern

from bot.observing import CanarySeen, ClusterSeen, Failure, FailureCause, FailureKind

LONGEST = 200
"""Characters of a foreign sentence that are kept."""

COMPARED = pattern(r"^Halt \S+ advancement .*\S [-+]?\d[\w.%µ]* [<>] [-+]?\d[\w.%µ]*$")
"""A metric had a value, and the value was out of its range."""
UNREACHABLE = "(?:Post|parse|error reading) "
"""How Go's HTTP client begins its errors: the check never answered (Flagger 1.41, CallWebhook)."""
ANSWERED = pattern(rf"^Halt \S+ advancement (?:external|pre-rollout) check \S+ failed(?! {UNREACHABLE})")
"""A check of the team's own said no."""
STUCK = pattern(r"^Rolling back \S+ progress deadline exceeded |^canary .* exceeded its progress deadline$")
NOT_READY = pattern(r"^canary (?:deployment|daemonset) \S+ not ready: ")
ENDED_OTHERWISE = pattern(
    r"^Rolling back \S+ (?:failed checks threshold reached|manual webhook invoked)|-primary\.\S+ not ready"
)
"""What else ends an analysis: failed checks, a person's hook, or the primary, which is not the release's fault."""
CANARY_FAILED = pattern(r"^Canary failed! ")

UNMEASURED = (
    pattern(r"no values found"),
    pattern(r"not receiving traffic"),
    pattern(r"query failed"),
    pattern(r"^Metric template .* error: "),
    pattern(r"^Error (?:checking metric providers|building Prometheus client)"),
    pattern(rf"^Halt \S+ advancement (?:external|pre-rollout) check \S+ failed {UNREACHABLE}"),
)
"""There was nothing to measure with."""

SINCE = pattern(r" failed at (\S+)$")
"""How the evidence of a failed canary ends where its status says since when (`CanarySeen.spec`)."""

BETTER_KNOWN: dict[FailureKind, int] = {"unknown": 0, "no-data": 1, "measured": 2}


def failure_of(cluster: ClusterSeen, kustomization: object, now: datetime) -> Failure | None:
    """The failure a cluster shows now, None when it shows none. kustomization: `<namespace>/<name>`."""
    if cluster.health != "failed":
        return None
    if cluster.failing == "canary" and cluster.canary is not None:
        kind, sentence = kind_of(cluster.canary.messages)
        because = f"canary {cluster.canary.name} failed: {sentence}" if sentence else cluster.because
        evidence = canary_evidence(cluster.cluster, cluster.canary)
        return Failure(kind=kind, cause="canary", evidence=evidence, because=because, at=now)
    cause = cause_of(cluster)
    evidence = f"kustomization {cluster.cluster}/{kustomization} {cluster.revision}".rstrip()
    # Flux waited for the workloads and saw them not come up: that is a measurement (kustomize-controller 1.7).
    kind = "measured" if cause == "health_check" else "unknown"
    return Failure(kind=kind, cause=cause, evidence=evidence, because=cluster.because, at=now)


def cause_of(cluster: ClusterSeen) -> FailureCause:
    """What Flux ended the roll-out by; what it does not say so is its apply."""
    if cluster.failing == "health_check" or cluster.reason == "HealthCheckFailed":
        return "health_check"
    return "reconciliation"


def canary_evidence(cluster: str, canary: CanarySeen) -> str:
    """By what a canary's failure is told from the next one's."""
    return f"canary {cluster}/{canary.name} {canary.spec}"


def failed_since(failure: Failure) -> datetime:
    """When it failed: as its canary says, unless the bot saw it before. Flux tells no such moment."""
    found = SINCE.search(failure.evidence) if failure.cause == "canary" else None
    if found is None:
        return failure.at
    try:
        told = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return failure.at
    return min(failure.at, told)


def kind_of(messages: tuple[str, ...]) -> tuple[FailureKind, str]:
    """Whether an analysis measured the release, and the sentence that says so; one measurement outweighs all gaps."""
    lines = [message.strip().replace("\n", " ") for message in messages]
    if proof := next((line for line in lines if measures(line)), "") or never_came_up(lines):
        return "measured", shortened(proof)
    gap = next((line for line in lines if any(form.search(line) for form in UNMEASURED)), "")
    return ("no-data", shortened(gap)) if gap else ("unknown", "")


def measures(line: str) -> bool:
    """A value out of range, a check that said no, or a roll-out that stood still for too long."""
    if any(form.search(line) for form in UNMEASURED):
        return False
    return any(form.search(line) for form in (COMPARED, ANSWERED, STUCK))


def never_came_up(lines: list[str]) -> str:
    """The last word before a canary that ended by nothing else than its own pods, which never were ready."""
    ended = any(CANARY_FAILED.search(line) for line in lines)
    if not ended or any(ENDED_OTHERWISE.search(line) for line in lines):
        return ""
    return next((line for line in reversed(lines) if NOT_READY.search(line)), "")


def shortened(line: str) -> str:
    """A foreign sentence at a length that a note can carry."""
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def better_known(known: Failure, seen: Failure | None) -> Failure:
    """A failure stays as first seen, unless the same evidence tells more of its kind by now."""
    if seen is None or known.evidence != seen.evidence:
        return known
    if BETTER_KNOWN[seen.kind] <= BETTER_KNOWN[known.kind]:
        return known
    return replace(known, kind=seen.kind, because=seen.because)
