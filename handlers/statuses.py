"""Commit statuses: the application's commit says where it runs, from the roll-out on and never before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.actions import Decision, WriteCommitStatus, act, digest, skip, would
from bot.events import EnvironmentKey
from bot.observing import CommitSeen, Installation, Observer, Promotion, Rule
from config.policy import Policy
from handlers.modes import muted
from handlers.shipping import Shipped, current, left_behind, previous, skipped, state_of

ALLOW = "wait for one, or set no_pipeline: allow in policy.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A commit that is to say something: what, why, and the digest last written for it."""

    commit: CommitSeen
    state: Shipped
    because: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """The latest roll-out in an environment, and the commits it speaks for; and those told to run that never ended."""

    key: EnvironmentKey
    installation: Installation
    promotion: Promotion | None
    told: tuple[Told, ...]
    unknown: tuple[str, ...]


async def observe(key: EnvironmentKey, observer: Observer) -> StatusFacts:
    """Find the commits of the release that rolls out, of those it skipped, and of those that were overtaken."""
    promotions = await observer.promotions(key.owner)
    promotion = current(key.environment, promotions)
    told: list[Told] = []
    unknown: list[str] = []
    if observer.policy.environment(key.application, key.environment).statuses == "on":
        for sha, state, because in await speaks_for(key, promotion, promotions, observer) if promotion else []:
            if found := await tell(key, sha, state, because, observer):
                told.append(found)
            else:
                unknown.append(sha)
        spoken_for = {one.commit.sha for one in told}
        told += [one for one in await unfinished(key, promotions, observer) if one.commit.sha not in spoken_for]
    installation = await observer.installation(key.tenant)
    return StatusFacts(
        key=key, installation=installation, promotion=promotion, told=tuple(told), unknown=tuple(unknown)
    )


async def unfinished(key: EnvironmentKey, promotions: tuple[Promotion, ...], observer: Observer) -> list[Told]:
    """Commits that still say `running` for a roll-out that Git moved on from: they failed to become healthy.

    GitLab takes `success`, `failed` and `canceled` after `running`; failed, because the release proved nothing here.
    """
    found: list[Told] = []
    for promotion in left_behind(key.environment, promotions):
        because = f"{promotion.release.name} was overtaken before it was healthy in {key.environment}"
        told = await tell(key, promotion.release.commit, "failed", because, observer)
        if told is not None and told.written and told.written not in ends(key, told, observer.policy):
            found.append(told)
    return found


def ends(key: EnvironmentKey, told: Told, policy: Policy) -> frozenset[str]:
    """What would be remembered of a commit that said how its roll-out ended."""
    states: tuple[Shipped, ...] = ("success", "failed")
    return frozenset(digest(write(key, told.commit, state, told.because, policy)) for state in states)


async def tell(key: EnvironmentKey, sha: str, state: Shipped, because: str, observer: Observer) -> Told | None:
    """What a commit is to say, None when GitLab does not know the commit."""
    commit = await observer.commit(key.owner, sha) if sha else None
    if commit is None:
        return None
    status = write(key, commit, state, because, observer.policy)
    return Told(commit=commit, state=state, because=because, written=await observer.written(status.effect_key))


async def speaks_for(
    key: EnvironmentKey, promotion: Promotion, promotions: tuple[Promotion, ...], observer: Observer
) -> list[tuple[str, Shipped, str]]:
    """(commit, state, sentence) for the release itself and the releases it contains that never ran here."""
    state = state_of(promotion)
    own: list[tuple[str, Shipped, str]] = [(promotion.release.commit, state, promotion.because)] if state else []
    before = previous(key.environment, promotion, promotions)
    if before is None or state != "success":
        return own
    comparison = await observer.comparison(key.owner, before.release, promotion.release)
    passed = skipped(promotion, before, comparison, await observer.releases(key.owner), promotions)
    because = f"contained in {promotion.release.name}, which runs in {key.environment}"
    return own + [(record.release.commit, "success", because) for record in passed]


def decide(facts: StatusFacts, policy: Policy, now: datetime) -> Decision:
    """Write what is not written yet; GitLab refuses or doubles a state that is already there."""
    if facts.promotion is None and not facts.told:
        return skip(because="nothing was rolled out here since the baseline")
    environment = policy.environment(facts.key.application, facts.key.environment)
    if environment.statuses != "on":
        return skip(because=f"the policy has statuses {environment.statuses} for {facts.key.environment}")
    name = facts.promotion.release.name if facts.promotion else "what was overtaken"
    fresh = unwritten(facts, policy)
    if not fresh:
        return skip(because=f"the commit of {name} {'already says so' if facts.told else 'is not known to GitLab'}")
    if why := muted(environment, facts.installation):
        return would(because=f"would say on the commit of {name} where it runs, but {why}")
    harmless = [status for status in fresh if may_write(status, environment.no_pipeline)]
    if not harmless:
        return skip(because=f"the commit of {name} has no pipeline, and a status would make one: {ALLOW}")
    return act(*harmless, because=f"the commit says where {name} is: {harmless[0].state} in {facts.key.environment}")


def unwritten(facts: StatusFacts, policy: Policy) -> list[WriteCommitStatus]:
    """The statuses that differ from what was last written under their key."""
    wanted = [(told, write(facts.key, told.commit, told.state, told.because, policy)) for told in facts.told]
    return [status for told, status in wanted if told.written != digest(status)]


def may_write(status: WriteCommitStatus, no_pipeline: Literal["wait", "allow"]) -> bool:
    """A status without a pipeline makes an external one, which can hide or satisfy the real one (failures F7)."""
    return status.pipeline_id is not None or no_pipeline == "allow"


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
