"""GitLab deployments: an environment's page shows which commit it got, how it went, and what a rollback restored."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.actions import Decision, WriteDeployment, act, digest, skip, would
from bot.events import EnvironmentKey
from bot.observing import CommitSeen, Installation, Observer, Promotion, Rule
from config.policy import EnvironmentPolicy, Policy
from handlers.modes import muted
from handlers.shipping import Shipped, current, left_behind, previous, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A deployment that GitLab is to show: what, why, and the digest last written for it."""

    promotion: Promotion
    commit: CommitSeen
    state: Shipped
    because: str
    opened_at: datetime
    name: str
    written: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFacts:
    """The latest roll-out in an environment, and the deployments that tell of it and of what it left behind."""

    key: EnvironmentKey
    installation: Installation
    promotion: Promotion | None
    shown: tuple[Shown, ...]


async def observe(key: EnvironmentKey, observer: Observer) -> DeploymentFacts:
    """Find the commits of the release that rolls out, of what runs again, and of what was overtaken."""
    environment = observer.policy.environment(key.application, key.environment)
    promotions = await observer.promotions(key.owner)
    promotion = current(key.environment, promotions)
    shown: list[Shown] = []
    if environment.deployments == "on":
        if promotion is not None:
            shown += await latest(key, promotion, promotions, observer)
        left = await unfinished(key, promotions, observer)
        shown += [one for one in left if one.written and not ended(one, key, environment)]
    installation = await observer.installation(key.tenant)
    return DeploymentFacts(key=key, installation=installation, promotion=promotion, shown=tuple(shown))


async def latest(
    key: EnvironmentKey, promotion: Promotion, promotions: tuple[Promotion, ...], observer: Observer
) -> list[Shown]:
    """The deployment of the latest roll-out, and after a rollback another one of what runs again."""
    state = state_of(promotion)
    own = state and await show(key, promotion, state, promotion.because, observer)
    back = runs_again(key, promotion, promotions)
    if back is None:
        return [own] if own else []
    state, because = await came_back(key, back, promotion, observer)
    name, since = f"{back.id}:{promotion.id}", went_back_at(promotion)
    again = await show(key, back, state, because, observer, name=name, opened_at=since)
    if (
        again
        and state == "running"
        and ended(again, key, observer.policy.environment(key.application, key.environment))
    ):
        # The next release may be on its way in the cluster: what was said to run again did.
        again = None
    return [one for one in (own, again) if one]


def runs_again(key: EnvironmentKey, promotion: Promotion, promotions: tuple[Promotion, ...]) -> Promotion | None:
    """The promotion of the release that serves since another was taken back; None when nothing was."""
    return previous(key.environment, promotion, promotions) if promotion.state == "rolled_back" else None


def went_back_at(promotion: Promotion) -> datetime:
    """By what a rollback's deployment is dated: the same moment at every look, and after the first deployment's."""
    return promotion.failure.at if promotion.failure else promotion.updated_at


async def came_back(key: EnvironmentKey, back: Promotion, gone: Promotion, observer: Observer) -> tuple[Shipped, str]:
    """How the release that runs again is, as its clusters were last recorded."""
    states = await observer.environment_states(key)
    there = bool(states) and all(one.release_id == back.release.id and one.ever_healthy for one in states)
    because = f"{back.release.name} runs again since {gone.release.name} was taken back"
    return "success" if there else "running", because


async def unfinished(key: EnvironmentKey, promotions: tuple[Promotion, ...], observer: Observer) -> list[Shown]:
    """Deployments of roll-outs that Git moved on from. GitLab lets a running one end; failed: it never was healthy."""
    because = f"overtaken before it was healthy in {key.environment}"
    found = [await show(key, one, "failed", because, observer) for one in left_behind(key.environment, promotions)]
    return [one for one in found if one]


async def show(
    key: EnvironmentKey,
    promotion: Promotion,
    state: Shipped,
    because: str,
    observer: Observer,
    *,
    name: str = "",
    opened_at: datetime | None = None,
) -> Shown | None:
    """A promotion's deployment with what was last written of it; None when GitLab does not know the commit."""
    sha = promotion.release.commit
    commit = await observer.commit(key.owner, sha) if sha else None
    if commit is None:
        return None
    shown = Shown(
        promotion=promotion,
        commit=commit,
        state=state,
        because=because,
        opened_at=opened_at or promotion.opened_at,
        name=name or promotion.id,
    )
    environment = observer.policy.environment(key.application, key.environment)
    return replace(shown, written=await observer.written(write(key, shown, environment).effect_key))


def ended(shown: Shown, key: EnvironmentKey, environment: EnvironmentPolicy) -> bool:
    """Whether what was last written of a deployment is how it ended."""
    states: tuple[Shipped, ...] = ("success", "failed")
    return shown.written in {digest(write(key, replace(shown, state=state), environment)) for state in states}


def decide(facts: DeploymentFacts, policy: Policy, now: datetime) -> Decision:
    """One deployment for each promotion, running and then how it ended; one more for what a rollback brought back."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    if facts.promotion is None and not facts.shown:
        return skip(because="nothing was rolled out here since the baseline")
    if environment.deployments != "on":
        return skip(because=f"the policy has deployments off for {facts.key.environment}")
    name = facts.promotion.release.name if facts.promotion else "what was overtaken"
    if not facts.shown:
        return skip(because=f"the commit of {name} is not known, so GitLab cannot show its deployment")
    wanted = [(shown, write(facts.key, shown, environment)) for shown in facts.shown]
    fresh = [effect for shown, effect in wanted if shown.written != digest(effect)]
    if not fresh:
        return skip(because=f"GitLab already shows the deployment of {name} as {facts.shown[0].state}")
    if why := muted(environment, facts.installation):
        return would(because=f"would show the deployment of {name}, but {why}")
    return act(*fresh, because=f"GitLab shows the deployment of {name} to {facts.key.environment}: {fresh[0].state}")


def write(key: EnvironmentKey, shown: Shown, environment: EnvironmentPolicy) -> WriteDeployment:
    """The deployment by its natural key: environment, commit and promotion."""
    return WriteDeployment(
        key=key,
        project=shown.commit.project,
        environment=key.environment,
        tier=environment.tier,
        sha=shown.commit.sha,
        ref=shown.commit.ref,
        tag=shown.commit.tag,
        promotion=shown.name,
        opened_at=shown.opened_at,
        state=shown.state,
        because=shown.because,
    )


RULE = Rule(name="deployments", about=EnvironmentKey, facts=DeploymentFacts, observe=observe, decide=decide)
