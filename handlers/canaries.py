"""Flagger's questions have an answer stored for exactly the images that were judged, and closed for everything else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.actions import Decision, RecordCanaryGates, skip, wait
from bot.events import EnvironmentKey
from bot.observing import (
    CanaryGate,
    CanaryGateName,
    CanarySeen,
    ClusterSeen,
    EnvironmentSeen,
    Hold,
    Installation,
    Observer,
    Promotion,
    Release,
    Request,
    Rule,
)
from config.policy import EnvironmentPolicy, Policy
from handlers.carrying import carried
from handlers.modes import muted
from handlers.standing import is_release
from handlers.tagging import takes_back
from handlers.undone import went_back

ASKED = frozenset({"Progressing", "Waiting", "WaitingPromotion"})
"""The phases in which Flagger asks whether it should roll back (1.41, runRollbackHooks)."""
LANDED = frozenset({"merging", "applied", "done"})
"""A release that Git declared through its gates and that did not end badly: Flux may be behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFacts:
    """An environment with canaries, what people want of it, and the answers stored now.

    promotions: of this environment, newest first.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen | None
    promotions: tuple[Promotion, ...] = ()
    holds: tuple[Hold, ...] = ()
    requests: tuple[Request, ...] = ()
    stored: tuple[CanaryGate, ...] = ()


async def observe(key: EnvironmentKey, observer: Observer) -> CanaryFacts:
    """Read Git, the clusters and the journal; only the stored answers where the policy names no canary."""
    installation, stored = await observer.installation(key.tenant), await observer.canary_gates(key)
    if observer.policy.environment(key.application, key.environment).canary is None:
        return CanaryFacts(key=key, installation=installation, seen=None, stored=stored)
    return CanaryFacts(
        key=key,
        installation=installation,
        seen=await observer.environment(key),
        promotions=tuple(p for p in await observer.promotions(key.owner) if p.key == key),
        holds=await observer.holds(key),
        requests=await observer.requests(key),
        stored=stored,
    )


def decide(facts: CanaryFacts, policy: Policy, now: datetime) -> Decision:
    """Store the answers of every canary when one of them changed."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    clusters = facts.seen.clusters if facts.seen is not None and environment.canary is not None else ()
    gates = tuple(gate for cluster in clusters for gate in answers(facts, cluster, environment, now))
    because = summary(facts, gates)
    records = [] if set(gates) == set(facts.stored) else [RecordCanaryGates(key=facts.key, gates=gates)]
    if runs_out := hold_ends_in(facts, now):
        return wait(*records, because=because, look_again=runs_out)
    return skip(*records, because=because)


def summary(facts: CanaryFacts, gates: tuple[CanaryGate, ...]) -> str:
    """Which of Flagger's questions are answered with yes, and why the first of the others is not."""
    if not gates:
        return f"no canary of {facts.key.environment} is known"
    opened = sorted({gate.gate for gate in gates if gate.open})
    shut = next((f"; {gate.gate} is closed: {gate.because}" for gate in gates if not gate.open), "")
    return f"gates open for the canary in {facts.key.environment}: {', '.join(opened) or 'none'}{shut}"


def answers(
    facts: CanaryFacts, cluster: ClusterSeen, environment: EnvironmentPolicy, now: datetime
) -> tuple[CanaryGate, ...]:
    """The four answers for a cluster's canary, all closed while nobody knows what its target carries."""
    canary = cluster.canary
    if canary is None or not canary.images:
        return ()
    release = carried(cluster, environment)
    stops = against(facts, release, now)
    rolls_out = stops or undeclared(facts, release)
    return (
        confirm("confirm-rollout", cluster, canary, release, rolls_out),
        confirm("confirm-traffic-increase", cluster, canary, release, stops),
        confirm("confirm-promotion", cluster, canary, release, stops),
        rollback(facts, cluster, canary, release, muted(environment, facts.installation)),
    )


def confirm(
    name: CanaryGateName, cluster: ClusterSeen, canary: CanarySeen, release: Release | None, shut: str
) -> CanaryGate:
    """The answer to a confirmation: yes unless something stands against it."""
    yes = f"{release.name} may go on in {cluster.cluster}" if release else ""
    return gate(name, cluster, canary, opened=not shut, because=shut or yes)


def rollback(
    facts: CanaryFacts, cluster: ClusterSeen, canary: CanarySeen, release: Release | None, mute: str
) -> CanaryGate:
    """Yes only while the canary runs what somebody wants back (failures F15)."""
    wanted = wanted_back(facts, release)
    if not wanted:
        because = "nobody wants back what the canary carries"
    elif mute:
        because = f"{wanted}, but {mute}"
    elif canary.phase not in ASKED:
        because = f"{wanted}, but the canary is {canary.phase} and does not run it"
    else:
        return gate("rollback", cluster, canary, opened=True, because=wanted)
    return gate("rollback", cluster, canary, opened=False, because=because)


def gate(name: CanaryGateName, cluster: ClusterSeen, canary: CanarySeen, *, opened: bool, because: str) -> CanaryGate:
    """The stored answer, bound to the images that the target carries now (failures F16)."""
    return CanaryGate(
        cluster=cluster.cluster,
        canary=canary.name,
        gate=name,
        images=tuple(sorted(canary.images)),
        open=opened,
        because=because,
    )


def against(facts: CanaryFacts, release: Release | None, now: datetime) -> str:
    """What stops a canary, whatever it waits for; empty when nothing does."""
    if release is None or facts.seen is None:
        return "nobody knows which release the canary carries"
    if denial := facts.seen.denied(release):
        return f"{release.name} is denied in {facts.key.environment} since {denial.since:%Y-%m-%d %H:%M} UTC"
    if wanted := wanted_back(facts, release):
        return wanted
    if hold := next((hold for hold in facts.holds if hold.until is None or hold.until > now), None):
        return f"{hold.principal} holds {facts.key.environment}: {hold.because}"
    return ""


def undeclared(facts: CanaryFacts, release: Release | None) -> str:
    """Why a release may not begin its roll-out: Git does not declare it and never did; empty when it did."""
    seen = facts.seen
    if seen is None or release is None or is_release(seen.declared, release):
        return ""
    newest = next((p for p in facts.promotions if is_release(release, p.release)), None)
    if newest is not None and newest.state in LANDED:
        return ""
    declared = seen.declared.name if seen.declared else "nothing"
    return f"no merged release file declares {release.name} in {facts.key.environment}, it says {declared}"


def wanted_back(facts: CanaryFacts, release: Release | None) -> str:
    """Who wants back what a canary carries: a person who asked, or Git, which went back already; else empty."""
    seen = facts.seen
    if seen is None or release is None:
        return ""
    if seen.pin is not None and went_back(seen) and is_release(release, seen.pin.instead_of):
        return f"{release.name} was taken back in {facts.key.environment}: {seen.pin.because}"
    declared = is_release(seen.declared, release)
    asked = [one for one in facts.requests if takes_back(one, release) and (declared or one.version)]
    return f"{asked[0].principal} asked to take {release.name} back: {asked[0].because}" if asked else ""


def hold_ends_in(facts: CanaryFacts, now: datetime) -> timedelta | None:
    """How long until the first hold runs out by itself: then the answers change without anybody telling."""
    left = [hold.until - now for hold in facts.holds if hold.until is not None and hold.until > now]
    return min(left, default=None)


RULE = Rule(name="canaries", about=EnvironmentKey, facts=CanaryFacts, observe=observe, decide=decide)
