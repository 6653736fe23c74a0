"""A pure world that the rules live in: decisions are carried out on it, and clusters follow Git a moment later.

It refuses what GitLab, Git or good sense would refuse, so a rule that asks for such a thing fails its test at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from rule_worlds import (
    APP,
    APPLICATION,
    DEV,
    NOW,
    POLICY,
    PRODUCTION,
    PROJECT,
    STAGING,
    TENANT,
    Memory,
    cluster,
    done,
    merge_request,
    of_type,
    outside,
    proof_of,
)

from bot.actions import (
    Action,
    ClosePromotion,
    Decision,
    MergePromotion,
    ProposePromotion,
    PublishGates,
    RecordBaseline,
    RecordEnvironment,
    RecordPromotion,
    RecordRelease,
    WriteCommitStatus,
    WriteDeployment,
    WriteSticky,
    digest,
)
from bot.keys import ApplicationKey, EnvironmentKey, Subject
from bot.observing import (
    Change,
    CommitSeen,
    Comparison,
    EnvironmentSeen,
    Health,
    MergeRequestSeen,
    Promotion,
    Release,
    ReleaseRecord,
    Rule,
    compare_versions,
)
from config.policy import Policy
from handlers import RULES

KEYS = (DEV, STAGING, PRODUCTION)
TICK = timedelta(seconds=30)


@dataclass(kw_only=True)
class Cluster:
    """What a cluster applied whole, what it tries, and how many rounds it still takes."""

    applied: Release | None = None
    attempt: Release | None = None
    rounds: int = 0


@dataclass(kw_only=True)
class Ran:
    """One run of a rule: what it saw and what it wanted."""

    rule: Rule[Any, Any]
    subject: Subject
    facts: Any
    decision: Decision
    now: datetime


@dataclass(kw_only=True)
class Simulation(Memory):
    """Git, GitLab, one cluster per environment and the journal, as far as rules can tell.

    ill: (environment, version) pairs that never become healthy. history: the application's releases, oldest first.
    """

    policy: Policy = POLICY
    now: datetime = NOW
    baseline: bool = False
    history: list[Release] = field(default_factory=list)
    git: dict[EnvironmentKey, Release | None] = field(default_factory=lambda: dict.fromkeys(KEYS))
    clusters: dict[EnvironmentKey, Cluster] = field(default_factory=lambda: {key: Cluster() for key in KEYS})
    ill: set[tuple[str, str]] = field(default_factory=set)
    closed: dict[int, MergeRequestSeen] = field(default_factory=dict)
    by_hand: set[tuple[EnvironmentKey, str]] = field(default_factory=set)
    refused: set[tuple[EnvironmentKey, str]] = field(default_factory=set)
    merged: list[tuple[EnvironmentKey, str]] = field(default_factory=list)
    statuses: dict[str, list[str]] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)
    writes: int = 0
    next_iid: int = 1

    # What people and CI do.

    def build(self, what: Release) -> None:
        """CI built a release, and dev follows by itself."""
        self.history.append(what)
        self.git[DEV] = what

    def person_closes(self, key: EnvironmentKey) -> None:
        """A person says no."""
        if request := self._opened(key):
            if request.proposes and any(p.merge_request == request.iid for p in self._waiting(key)):
                self.refused.add((key, request.proposes.id))
            self._end(key, replace(request, state="closed", closed_by_bot=False))

    def person_commits(self, key: EnvironmentKey) -> None:
        """A person adds a commit to the bot's branch."""
        if request := self._opened(key):
            self.merge_requests[key] = replace(request, sha="f" * 40, ours=False, proof=proof_of("running"))

    def person_reverts(self, key: EnvironmentKey, what: Release) -> None:
        """A person writes a version into Git."""
        self.git[key] = what
        self.by_hand.add((key, what.id))

    # What time does.

    def round(self) -> None:
        """Every rule runs once for everything it is about, then time passes."""
        subjects = [EnvironmentKey(TENANT, APPLICATION, name) for name in self.policy.environments_of(APPLICATION)]
        for subject in (APP, *subjects):
            for rule in RULES:
                if rule.about is type(subject):
                    self._run(rule, subject)
        self.pass_time()

    def pass_time(self) -> None:
        """Clusters follow Git, pipelines end, GitLab finishes checking."""
        self.now += TICK
        for key, here in self.clusters.items():
            self._follow(key, here)
        for key, request in self.merge_requests.items():
            if request.state == "opened":
                self.merge_requests[key] = _older(request)

    def _follow(self, key: EnvironmentKey, here: Cluster) -> None:
        declared = self.git[key]
        if declared is None:
            return
        if here.attempt is None or here.attempt.id != declared.id:
            here.attempt, here.rounds = declared, 1
        elif here.rounds:
            here.rounds -= 1
        elif not self._is_ill(key, declared):
            here.applied = declared

    def _is_ill(self, key: EnvironmentKey, what: Release) -> bool:
        return (key.environment, what.version) in self.ill

    def _run(self, rule: Rule[Any, Any], subject: Subject) -> None:
        facts = done(rule.observe(subject, self))
        decision = rule.decide(facts, self.policy, self.now)
        self.ran.append(Ran(rule=rule, subject=subject, facts=facts, decision=decision, now=self.now))
        self.writes += len(outside(decision))
        for action in decision.actions:
            self._carry_out(action)

    # What the executor and the journal do.

    def _carry_out(self, action: Action) -> None:
        match action:
            case RecordRelease(record=record):
                self.known_releases = (record, *self.known_releases)
            case RecordBaseline():
                self.baseline = True
            case RecordPromotion(promotion=promotion):
                self._remember(promotion)
            case RecordEnvironment(state=state):
                others = [s for s in self.known_states if (s.key, s.cluster) != (state.key, state.cluster)]
                self.known_states = (state, *others)
            case ProposePromotion():
                self._propose(action)
            case MergePromotion():
                self._merge(action)
            case ClosePromotion(key=key):
                request = self._opened(key)
                assert request is not None, "closed what is not open"
                self._end(key, replace(request, state="closed", closed_by_bot=True))
            case PublishGates() | WriteSticky() | WriteCommitStatus() | WriteDeployment():
                self._write(action)
            case _:
                self.carry_out_more(action)

    def carry_out_more(self, action: Action) -> None:
        """What only a world that takes releases back allows."""
        raise AssertionError(f"nothing in this world asks for {action}")

    def _remember(self, promotion: Promotion) -> None:
        known = [p for p in self.known_promotions if p.id == promotion.id]
        ended = ("done", "rolled_back")
        assert not any(p.state == "done" and promotion.state not in ended for p in known), "a done promotion went back"
        others = [p for p in self.known_promotions if p.id != promotion.id]
        newest_first = sorted([promotion, *others], key=lambda p: (p.opened_at, p.id), reverse=True)
        self.known_promotions = tuple(newest_first)

    def _propose(self, action: ProposePromotion) -> None:
        self._check_proposal(action.key, action.release)
        request = self._opened(action.key)
        assert request is None or request.ours, "a person's commit would be overwritten"
        if request is None:
            request = merge_request(None, iid=self.next_iid, sha="")
            self.next_iid += 1
        if action.rebuild:
            sha = f"{self.next_iid:08d}{action.release.id}"[:40]
            request = replace(request, sha=sha, proposes=action.release, status="checking", proof=proof_of("missing"))
        self.merge_requests[action.key] = replace(request, draft=action.draft, status="checking")

    def _check_proposal(self, key: EnvironmentKey, what: Release) -> None:
        declared = self.git[key]
        assert declared is None or compare_versions(what.version, declared.version) == "newer", "a step back"
        assert (key, what.id) not in self.refused, "a person refused it"
        assert not any(r.baseline and r.release.id == what.id for r in self.known_releases), "the baseline moved"
        assert (key, what.id) not in self.merged, "it came back by itself"

    def _merge(self, action: MergePromotion) -> None:
        request = self._opened(action.key)
        assert request is not None
        assert request.proposes is not None
        assert (request.sha, request.status, request.draft) == (action.sha, "mergeable", False)
        assert (request.ours, request.proof.verdict) == (True, "passed"), "an untested head was merged"
        for name in self.policy.before(action.key.application, action.key.environment):
            vouching = [p for p in self.known_promotions if p.key.environment == name and p.healthy_at]
            assert any(p.release.id == action.release.id for p in vouching), "merged before it was healthy before"
        self._check_proposal(action.key, request.proposes)
        self.merged.append((action.key, request.proposes.id))
        self.git[action.key] = request.proposes
        self._end(action.key, replace(request, state="merged", merged_revision="d" * 40))

    def _write(self, action: PublishGates | WriteSticky | WriteCommitStatus | WriteDeployment) -> None:
        assert self.effects.get(action.effect_key) != digest(action), "the same was written twice"
        self.effects[action.effect_key] = digest(action)
        if isinstance(action, WriteCommitStatus | WriteDeployment):
            told = self.statuses.setdefault(action.effect_key, [])
            assert not told or told[-1] != action.state, "the same state was told twice"
            told.append(action.state)

    # What rules see.

    async def sightings(self, key: ApplicationKey) -> tuple[Release, ...]:
        found = {what.id: what for what in (self.git[DEV], self.clusters[DEV].applied) if what}
        return tuple(found.values())

    async def environment(self, key: EnvironmentKey) -> EnvironmentSeen:
        here = self.clusters[key]
        settled = here.attempt is not None and here.applied is not None and here.attempt.id == here.applied.id
        ill = here.attempt is not None and self._is_ill(key, here.attempt) and not here.rounds
        health: Health = "failed" if ill else "healthy" if settled and not here.rounds else "progressing"
        return EnvironmentSeen(
            environment=key.environment,
            declared=self.git[key],
            written=(),
            agrees=True,
            clusters=(cluster(here.applied, health, attempt=here.attempt),),
        )

    async def merge_request(self, key: EnvironmentKey, iid: int | None) -> MergeRequestSeen | None:
        return self._opened(key) or (self.closed.get(iid) if iid else None)

    async def comparison(self, key: ApplicationKey, running: Release | None, target: Release) -> Comparison | None:
        if running not in self.history or target not in self.history:
            return None
        left, right = self.history.index(running), self.history.index(target)
        brings, loses = self.history[left + 1 : right + 1], self.history[right + 1 : left + 1]
        return Comparison(brings=_changes(brings), loses=_changes(loses))

    async def commit(self, key: ApplicationKey, sha: str) -> CommitSeen | None:
        known = any(what.commit == sha for what in self.history)
        return CommitSeen(project=PROJECT, sha=sha, ref="main", tag=False, pipeline_id=40) if known else None

    def _opened(self, key: EnvironmentKey) -> MergeRequestSeen | None:
        return self.merge_requests.get(key)

    def _end(self, key: EnvironmentKey, request: MergeRequestSeen) -> None:
        del self.merge_requests[key]
        self.closed[request.iid] = request

    def _waiting(self, key: EnvironmentKey) -> Iterator[Promotion]:
        return (p for p in self.known_promotions if p.key == key and p.state in ("waiting", "ready"))

    # What a test asks in the end.

    def last_decision(self, rule: str, key: EnvironmentKey) -> Decision:
        """What a rule decided last about an environment."""
        return next(ran.decision for ran in reversed(self.ran) if (ran.rule.name, ran.subject) == (rule, key))

    def proven_for(self, key: EnvironmentKey) -> list[ReleaseRecord]:
        """Releases that were healthy in all environments before and are no baseline."""
        before = self.policy.before(key.application, key.environment)
        healthy = {(p.key.environment, p.release.id) for p in self.known_promotions if p.healthy_at}
        return [
            record
            for record in self.known_releases
            if not record.baseline and all((name, record.release.id) in healthy for name in before)
        ]

    def all_of(self, kind: type[Any]) -> list[Any]:
        """Every action of a type there ever was."""
        return [action for ran in self.ran for action in of_type(ran.decision, kind)]


def _older(request: MergeRequestSeen) -> MergeRequestSeen:
    """One step further: missing → running → passed, and checking → a verdict."""
    proofs = {"missing": proof_of("running"), "running": proof_of("passed")}
    status = "draft_status" if request.draft else "mergeable"
    return replace(request, proof=proofs.get(request.proof.verdict, request.proof), status=status)


def _changes(releases: list[Release]) -> tuple[Change, ...]:
    return tuple(Change(sha=what.commit, title=f"Work for {what.version}") for what in releases)
