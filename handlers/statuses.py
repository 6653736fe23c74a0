"""Commit statuses: the application's commit says where it runs, from the roll-out on and never before."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Decision, WriteCommitStatus, act, digest, skip
from bot.events import EnvironmentKey
from bot.observing import CommitSeen, Observer, Promotion, Rule
from config.policy import Policy
from handlers.shipping import Shipped, current, previous, skipped, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A commit that is to say something: what, why, and the digest last written for it."""

    commit: CommitSeen
    state: Shipped
    because: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """The latest roll-out in an environment, and the commits it speaks for."""

    key: EnvironmentKey
    promotion: Promotion | None
    told: tuple[Told, ...]
    unknown: tuple[str, ...]


async def observe(key: EnvironmentKey, observer: Observer) -> StatusFacts:
    """Find the commits of the release that rolls out and of those it skipped."""
    promotions = await observer.promotions(key.owner)
    promotion = current(key.environment, promotions)
    if promotion is None or observer.policy.environment(key.application, key.environment).statuses != "on":
        return StatusFacts(key=key, promotion=promotion, told=(), unknown=())
    told: list[Told] = []
    unknown: list[str] = []
    for sha, state, because in await speaks_for(key, promotion, promotions, observer):
        commit = await observer.commit(key.owner, sha) if sha else None
        if commit is None:
            unknown.append(sha)
            continue
        status = write(key, commit, state, because, observer.policy)
        told.append(
            Told(commit=commit, state=state, because=because, written=await observer.written(status.effect_key))
        )
    return StatusFacts(key=key, promotion=promotion, told=tuple(told), unknown=tuple(unknown))


async def speaks_for(
    key: EnvironmentKey, promotion: Promotion, promotions: tuple[Promotion, ...], observer: Observer
) -> list[tuple[str, Shipped, str]]:
    """(commit, state, sentence) for the release itself and the releases it contains that never ran here."""
    state = state_of(promotion)
    own: list[tuple[str, Shipped, str]] = [(promotion.release.commit, state, promotion.because)] if state else []
    before = previous(key.environment, promotion, promotions)
    if before is None or promotion.healthy_at is None:
        return own
    comparison = await observer.comparison(key.owner, before.release, promotion.release)
    passed = skipped(promotion, before, comparison, await observer.releases(key.owner), promotions)
    because = f"contained in {promotion.release.name}, which runs in {key.environment}"
    return own + [(record.release.commit, "success", because) for record in passed]


def decide(facts: StatusFacts, policy: Policy, now: datetime) -> Decision:
    """Write what is not written yet; GitLab refuses or doubles a state that is already there."""
    if facts.promotion is None:
        return skip(because="nothing was rolled out here since the baseline")
    environment = policy.environment(facts.key.application, facts.key.environment)
    if environment.statuses != "on":
        return skip(because=f"the policy has statuses {environment.statuses} for {facts.key.environment}")
    name = facts.promotion.release.name
    if environment.mode == "observe":
        return Decision(kind="would", because=f"would say on {name}'s commit that it runs, but the mode is observe")
    wanted = [(told, write(facts.key, told.commit, told.state, told.because, policy)) for told in facts.told]
    fresh = [status for told, status in wanted if told.written != digest(status)]
    if fresh:
        return act(*fresh, because=f"the commit says where {name} is: {fresh[0].state} in {facts.key.environment}")
    if not facts.told:
        return skip(because=f"the commit of {name} is not known, so no status can say where it runs")
    return skip(because=f"the commit of {name} already says so")


def write(key: EnvironmentKey, commit: CommitSeen, state: Shipped, because: str, policy: Policy) -> WriteCommitStatus:
    """The status by its natural key: project, commit, ref and name."""
    return WriteCommitStatus(
        key=key,
        project=commit.project,
        sha=commit.sha,
        ref=commit.ref,
        pipeline_id=commit.pipeline_id,
        name=policy.name_of_status(key.application, key.environment),
        state=state,
        because=because,
    )


RULE = Rule(name="statuses", about=EnvironmentKey, facts=StatusFacts, observe=observe, decide=decide)
