"""Small worlds for rules: builders with plain defaults, and an observer that answers from memory."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.actions import Action, Decision, Outside
from bot.keys import ApplicationKey, CommandKey, ConfigKey, EnvironmentKey, SourceKey
from bot.observing import (
    Approval,
    Caller,
    CanaryGate,
    CanaryPhase,
    CanarySeen,
    ClusterSeen,
    Command,
    CommitSeen,
    Comparison,
    ConfigurationSeen,
    Denial,
    EnvironmentSeen,
    EnvironmentState,
    Explanation,
    Failure,
    FailureCause,
    FailureKind,
    FailureMark,
    Freeze,
    FreezeWindow,
    Health,
    Hold,
    Installation,
    Involved,
    MergeProof,
    MergeRequestSeen,
    NoteSeen,
    Pin,
    Place,
    Promotion,
    PromotionState,
    ProofVerdict,
    Release,
    ReleaseRecord,
    Request,
    Rights,
    Source,
    StandingLine,
    TagSeen,
    promotion_id,
)
from bot.records import RequestKind
from bot.releases import Image
from config.policy import Policy

T = TypeVar("T")
A = TypeVar("A")

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT, APPLICATION = "demo", "demo-service"
APP = ApplicationKey(TENANT, APPLICATION)
DEV, STAGING, PRODUCTION = (EnvironmentKey(TENANT, APPLICATION, name) for name in ("dev", "staging", "production"))
IMAGE = "registry.example/demo/demo-service"
PROJECT = "demo/demo-service"
ADOPTED = Installation(adopted=True, because="this installation adopted the config repository")
STRANGER = Installation(adopted=False, because="the config repository was not adopted yet; run `sluice adopt`")
MAY_PUSH = Rights(may_push=True, because="Sluice may push to main")
MAY_NOT_PUSH = Rights(may_push=False, because="main is protected, and Sluice may not push to it")

ENVIRONMENTS: Mapping[str, Mapping[str, object]] = {
    "dev": {"cluster": "one", "delivery": "observe"},
    "staging": {"cluster": "one", "after": ["dev"], "merge": "automatic"},
    "production": {"cluster": "one", "after": ["staging"], "merge": "automatic"},
}


def policy_of(**changes: Mapping[str, object]) -> Policy:
    """dev, staging and production in mode act with automatic merge; `changes` per environment."""
    environments = {name: {**form, **changes.get(name, {})} for name, form in ENVIRONMENTS.items()}
    application = {
        "project": PROJECT,
        "images": [IMAGE],
        "kustomization": "flux-system/demo-service-{environment}",
        "position": {
            "kind": "kustomize_images",
            "file": "apps/{environment}/kustomization.yaml",
            "image": "demo-service",
        },
    }
    document = {
        "version": 1,
        "mode": "act",
        "environments": environments,
        "applications": {APPLICATION: application},
    }
    return Policy.parse(json.dumps(document))


POLICY = policy_of()


def release(version: str, *, build: str = "", commit: str | None = None) -> Release:
    """A release of one image; `build` makes another digest of the same version. Its commit is named after it."""
    text = f"{version}{build}".encode().hex()
    image = Image(name=IMAGE, digest=f"sha256:{text:0<64}", tag=version)
    return Release(
        application=APPLICATION,
        images=(image,),
        version=version,
        commit=f"{text:0<40}"[:40] if commit is None else commit,
    )


OLD, NEW, NEWER = release("1.0.0"), release("1.1.0"), release("1.2.0")


def record(what: Release, *, baseline: bool = False) -> ReleaseRecord:
    """A release as the journal knows it."""
    return ReleaseRecord(release=what, first_seen=NOW, baseline=baseline)


def promotion(
    key: EnvironmentKey,
    what: Release,
    state: PromotionState = "done",
    *,
    attempt: int = 0,
    opened_at: datetime = NOW - timedelta(hours=1),
    merge_request: int | None = None,
    healthy: timedelta | None = None,
    baseline: bool = False,
    because: str = "as it was",
    failure: Failure | None = None,
    asked_again_at: datetime | None = None,
) -> Promotion:
    """A promotion; one that is done was healthy an hour ago, else `healthy` ago, else never."""
    ago = timedelta(hours=1) if healthy is None and state == "done" else healthy
    return Promotion(
        id=promotion_id(key, what, attempt),
        key=key,
        release=what,
        state=state,
        because=because,
        opened_at=opened_at,
        updated_at=opened_at,
        merge_request=merge_request,
        healthy_at=None if ago is None else NOW - ago,
        baseline=baseline,
        failure=failure,
        asked_again_at=asked_again_at,
    )


def failure_of(
    kind: FailureKind = "measured", cause: FailureCause = "canary", *, at: datetime = NOW - timedelta(minutes=2)
) -> Failure:
    """How a release failed, two minutes ago unless said otherwise."""
    evidence = f"{cause} one/demo/demo-service 7b9f"
    return Failure(kind=kind, cause=cause, evidence=evidence, because="one: success rate 50.00 < 99", at=at)


def pin_of(
    what: Release,
    instead_of: Release,
    *,
    kind: FailureKind = "measured",
    since: datetime = NOW - timedelta(minutes=2),
    by: str = "sluice",
) -> Pin:
    """What a rollback left in Git."""
    because = f"{instead_of.version} failed"
    return Pin(release=what, instead_of=instead_of, failure=kind, since=since, because=because, by=by)


def denial_of(what: Release, *, since: datetime = NOW - timedelta(minutes=2)) -> Denial:
    """The line that denies a release of one image."""
    (image,) = what.images
    because, incident = f"{what.version} failed", f"somewhere/{APPLICATION}/{what.version}"
    return Denial(image=image, version=what.version, since=since, because=because, incident=incident)


def hold_of(key: EnvironmentKey, *, until: datetime | None = None) -> Hold:
    """A person's hold."""
    return Hold(key=key, principal="maintainer", because="an audit", since=NOW - timedelta(hours=1), until=until)


def request_of(
    key: EnvironmentKey,
    kind: RequestKind = "rollback",
    version: str = "",
    *,
    deny: bool = False,
    at: datetime = NOW - timedelta(minutes=1),
) -> Request:
    """What a person asked for a minute ago."""
    return Request(
        id=f"{kind}-{version or 'current'}-{at:%H%M%S}",
        key=key,
        kind=kind,
        principal="maintainer",
        because="customers complain",
        at=at,
        version=version,
        deny=deny,
    )


def canary_of(phase: CanaryPhase, *, carries: bool = True, serves: bool = False, spec: str = "7b9f") -> CanarySeen:
    """A canary that tries what the cluster applied and does not serve it yet, unless said otherwise."""
    return CanarySeen(
        name=f"production/{APPLICATION}", phase=phase, images=(), carries=carries, serves=serves, spec=spec
    )


def cluster(
    what: Release | None,
    health: Health = "healthy",
    *,
    attempt: Release | None = None,
    name: str = "one",
    canary: CanarySeen | None = None,
    failing: FailureCause | None = None,
) -> ClusterSeen:
    """A cluster that applied a release and tries another, or the same."""
    return ClusterSeen(
        cluster=name,
        revision="c" * 40 if what else "",
        release=what,
        attempt=attempt or what,
        health=health,
        because=f"Kustomization {name} is {health}",
        canary=canary,
        failing=failing or ("health_check" if health == "failed" else None),
    )


def seen(
    key: EnvironmentKey,
    declared: Release | None,
    *clusters: ClusterSeen,
    agrees: bool = True,
    pin: Pin | None = None,
    denials: tuple[Denial, ...] = (),
    standing: Release | None = None,
) -> EnvironmentSeen:
    """An environment; without `clusters` one that runs healthily what Git declares, and whose positions say so."""
    return EnvironmentSeen(
        environment=key.environment,
        declared=declared,
        written=(declared.version,) if declared else (),
        agrees=agrees,
        clusters=clusters or (cluster(declared),),
        standing=standing or declared,
        pin=pin,
        denials=denials,
    )


def proof_of(verdict: ProofVerdict) -> MergeProof:
    """What the jobs of a head say."""
    pipeline = None if verdict in ("missing", "none") else 7
    return MergeProof(verdict=verdict, because=f"pipeline 7 {verdict}", pipeline_id=pipeline, ref="sluice/x")


def merge_request(proposes: Release | None, **changes: Any) -> MergeRequestSeen:
    """An open, mergeable merge request of ours with a passed pipeline; `changes` to its fields."""
    fields: dict[str, Any] = {
        "iid": 3,
        "state": "opened",
        "sha": "e" * 40,
        "title": "Promote",
        "draft": False,
        "status": "mergeable",
        "url": "https://gitlab.example/demo/config/-/merge_requests/3",
        "ours": True,
        "closed_by_bot": False,
        "merged_revision": "",
        "proposes": proposes,
        "proof": proof_of("passed"),
    }
    return MergeRequestSeen(**{**fields, **changes})


def commit_of(what: Release, *, pipeline_id: int | None = 40) -> CommitSeen:
    """The commit of a release with its pipeline."""
    return CommitSeen(project=PROJECT, sha=what.commit, ref="main", tag=False, pipeline_id=pipeline_id)


@dataclass(kw_only=True)
class Memory:
    """An observer that answers from its fields. marks: by version."""

    policy: Policy = POLICY
    adopted: Installation = ADOPTED
    known_releases: tuple[ReleaseRecord, ...] = ()
    baseline: bool = True
    sighted: tuple[Release, ...] = ()
    environments: dict[EnvironmentKey, EnvironmentSeen] = field(default_factory=dict)
    known_promotions: tuple[Promotion, ...] = ()
    known_states: tuple[EnvironmentState, ...] = ()
    merge_requests: dict[EnvironmentKey, MergeRequestSeen] = field(default_factory=dict)
    comparisons: dict[tuple[str, str], Comparison] = field(default_factory=dict)
    commits: dict[str, CommitSeen] = field(default_factory=dict)
    effects: dict[str, str] = field(default_factory=dict)
    asked: tuple[Request, ...] = ()
    known_holds: tuple[Hold, ...] = ()
    known_failures: tuple[FailureMark, ...] = ()
    known_rights: Rights = MAY_PUSH
    rollback_requests: dict[EnvironmentKey, MergeRequestSeen] = field(default_factory=dict)
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tags: dict[EnvironmentKey, tuple[TagSeen, ...]] = field(default_factory=dict)
    known_canary_gates: dict[EnvironmentKey, tuple[CanaryGate, ...]] = field(default_factory=dict)
    sources: dict[SourceKey, Source] = field(default_factory=dict)
    configurations: dict[ConfigKey, ConfigurationSeen] = field(default_factory=dict)
    said: dict[CommandKey, tuple[Command, ...]] = field(default_factory=dict)
    ended_untold: dict[CommandKey, tuple[Command, ...]] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    notes: dict[int, NoteSeen] = field(default_factory=dict)
    live_codes: frozenset[str] = frozenset()
    known_approvals: tuple[Approval, ...] = ()
    known_freezes: tuple[Freeze, ...] = ()
    known_native_approvals: tuple[Approval, ...] = ()
    known_involved: Involved = field(default_factory=Involved)
    known_windows: tuple[FreezeWindow, ...] = ()
    explanations: dict[EnvironmentKey, Explanation] = field(default_factory=dict)
    lines: tuple[StandingLine, ...] = ()

    async def source(self, key: SourceKey) -> Source:
        return self.sources[key]

    async def configuration(self, key: ConfigKey) -> ConfigurationSeen:
        return self.configurations[key]

    async def installation(self, tenant: str) -> Installation:
        return self.adopted

    async def releases(self, key: ApplicationKey) -> tuple[ReleaseRecord, ...]:
        return self.known_releases

    async def has_baseline(self, key: ApplicationKey) -> bool:
        return self.baseline

    async def sightings(self, key: ApplicationKey) -> tuple[Release, ...]:
        return self.sighted

    async def environment(self, key: EnvironmentKey) -> EnvironmentSeen:
        return self.environments[key]

    async def promotions(self, key: ApplicationKey) -> tuple[Promotion, ...]:
        return self.known_promotions

    async def environment_states(self, key: EnvironmentKey) -> tuple[EnvironmentState, ...]:
        return tuple(state for state in self.known_states if state.key == key)

    async def merge_request(self, key: EnvironmentKey, iid: int | None) -> MergeRequestSeen | None:
        found = self.merge_requests.get(key)
        return found if found and (found.state == "opened" or found.iid == iid) else None

    async def comparison(self, key: ApplicationKey, running: Release | None, target: Release) -> Comparison | None:
        return self.comparisons.get((running.version, target.version)) if running else None

    async def commit(self, key: ApplicationKey, sha: str) -> CommitSeen | None:
        return self.commits.get(sha)

    async def requests(self, key: EnvironmentKey) -> tuple[Request, ...]:
        return tuple(request for request in self.asked if request.key == key)

    async def holds(self, key: EnvironmentKey) -> tuple[Hold, ...]:
        return tuple(hold for hold in self.known_holds if hold.key == key)

    async def command(self, key: CommandKey) -> tuple[Command | None, int]:
        waiting = self.said.get(key, ())
        return (waiting[0] if waiting else None), max(0, len(waiting) - 1)

    async def ended(self, key: CommandKey) -> tuple[Command, ...]:
        return self.ended_untold.get(key, ())

    async def caller(self, command: Command) -> Caller:
        return self.callers[str(command.heard.principal)]

    async def note(self, place: Place) -> NoteSeen | None:
        return self.notes.get(place.note)

    async def code_lives(self, code: str) -> bool:
        return code in self.live_codes

    async def approvals(self, key: EnvironmentKey) -> tuple[Approval, ...]:
        return tuple(approval for approval in self.known_approvals if approval.key == key)

    async def native_approvals(self, key: EnvironmentKey, request: MergeRequestSeen) -> tuple[Approval, ...]:
        return tuple(approval for approval in self.known_native_approvals if approval.key == key)

    async def involved(self, key: EnvironmentKey, comparison: Comparison | None, request: MergeRequestSeen) -> Involved:
        return self.known_involved

    async def freeze_windows(self, key: EnvironmentKey) -> tuple[FreezeWindow, ...]:
        return tuple(window for window in self.known_windows if window.environment == key.environment)

    async def freezes(self, tenant: str, environment: str) -> tuple[Freeze, ...]:
        return tuple(one for one in self.known_freezes if (one.tenant, one.environment) == (tenant, environment))

    async def explained(self, key: EnvironmentKey) -> Explanation:
        return self.explanations[key]

    async def standings(self, tenant: str, application: str) -> tuple[StandingLine, ...]:
        return tuple(line for line in self.lines if application in ("", line.key.application))

    async def failures(self, tenant: str) -> tuple[FailureMark, ...]:
        return self.known_failures

    async def rights(self, tenant: str) -> Rights:
        return self.known_rights

    async def rollback_request(self, key: EnvironmentKey) -> MergeRequestSeen | None:
        return self.rollback_requests.get(key)

    async def irreversible(self, key: EnvironmentKey, release: Release) -> tuple[str, ...]:
        return self.marks.get(release.version, ())

    async def placed(self, key: EnvironmentKey, release: Release) -> tuple[TagSeen, ...]:
        return self.tags.get(key, ())

    async def canary_gates(self, key: EnvironmentKey) -> tuple[CanaryGate, ...]:
        return self.known_canary_gates.get(key, ())

    async def written(self, effect_key: str) -> str:
        return self.effects.get(effect_key, "")


def done(work: Awaitable[T]) -> T:
    """The result of a coroutine that never has to wait; AssertionError when it does."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as finished:
        result: T = finished.value
        return result
    raise AssertionError("an observer in memory never waits")


def outside(decision: Decision) -> list[Outside]:
    """What a decision would write to GitLab or Git."""
    return [action for action in decision.actions if isinstance(action, Outside)]


def of_type(decision: Decision, kind: type[A]) -> list[A]:
    """The actions of one type."""
    found: tuple[Action, ...] = decision.actions
    return [action for action in found if isinstance(action, kind)]


def only(decision: Decision, kind: type[A]) -> A:
    """The one action of a type."""
    (found,) = of_type(decision, kind)
    return found
