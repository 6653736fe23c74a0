"""GitLab deployments: the application's environment page shows which commit each environment got, and how it went."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.actions import Decision, WriteDeployment, act, digest, skip, would
from bot.events import EnvironmentKey
from bot.observing import CommitSeen, Installation, Observer, Promotion, Rule
from config.policy import EnvironmentPolicy, Policy
from handlers.modes import muted
from handlers.shipping import Shipped, current, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFacts:
    """The latest roll-out in an environment, its commit, and the digest last written of its deployment."""

    key: EnvironmentKey
    installation: Installation
    promotion: Promotion | None
    commit: CommitSeen | None
    written: str


async def observe(key: EnvironmentKey, observer: Observer) -> DeploymentFacts:
    """Find the commit of the release that rolls out."""
    environment = observer.policy.environment(key.application, key.environment)
    promotion = current(key.environment, await observer.promotions(key.owner))
    installation = await observer.installation(key.tenant)
    nothing = DeploymentFacts(key=key, installation=installation, promotion=promotion, commit=None, written="")
    if promotion is None or not promotion.release.commit or environment.deployments != "on":
        return nothing
    commit = await observer.commit(key.owner, promotion.release.commit)
    state = state_of(promotion)
    if commit is None or state is None:
        return nothing
    effect = write(key, promotion, commit, state, environment)
    return replace(nothing, commit=commit, written=await observer.written(effect.effect_key))


def decide(facts: DeploymentFacts, policy: Policy, now: datetime) -> Decision:
    """One deployment for each promotion: running, then how it ended."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    if facts.promotion is None:
        return skip(because="nothing was rolled out here since the baseline")
    if environment.deployments != "on":
        return skip(because=f"the policy has deployments off for {facts.key.environment}")
    state = state_of(facts.promotion)
    name = facts.promotion.release.name
    if facts.commit is None or state is None:
        return skip(because=f"the commit of {name} is not known, so GitLab cannot show its deployment")
    effect = write(facts.key, facts.promotion, facts.commit, state, environment)
    if facts.written == digest(effect):
        return skip(because=f"GitLab already shows the deployment of {name} as {state}")
    if why := muted(environment, facts.installation):
        return would(because=f"would show the deployment of {name}, but {why}")
    return act(effect, because=f"GitLab shows the deployment of {name} to {facts.key.environment}: {state}")


def write(
    key: EnvironmentKey, promotion: Promotion, commit: CommitSeen, state: Shipped, environment: EnvironmentPolicy
) -> WriteDeployment:
    """The deployment by its natural key: environment, commit and promotion."""
    return WriteDeployment(
        key=key,
        project=commit.project,
        environment=key.environment,
        tier=environment.tier,
        sha=commit.sha,
        ref=commit.ref,
        tag=commit.tag,
        promotion=promotion.id,
        opened_at=promotion.opened_at,
        state=state,
        because=promotion.because,
    )


RULE = Rule(name="deployments", about=EnvironmentKey, facts=DeploymentFacts, observe=observe, decide=decide)
