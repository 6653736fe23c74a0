"""A config repository moved: its policy is learned, its merge requests noticed, and what it touches looked at again."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Action, Decision, LearnConfiguration, LookAgain, WriteInstall, act, skip
from bot.events import ApplicationKey, ConfigKey
from bot.observing import ConfigurationSeen, Observer, Rule
from config.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFacts:
    """The config repository after a fetch."""

    key: ConfigKey
    seen: ConfigurationSeen


async def observe(key: ConfigKey, observer: Observer) -> ConfigurationFacts:
    """Fetch the repository and list our merge requests: one call each."""
    return ConfigurationFacts(key=key, seen=await observer.configuration(key))


def decide(facts: ConfigurationFacts, policy: Policy, now: datetime) -> Decision:
    """Learn what changed; a policy that does not parse leaves the last good one in force and says so."""
    seen = facts.seen
    actions: list[Action] = list(adoption(facts))
    if learned := learn(facts):
        actions.append(learned)
    if touched := touched_applications(facts, policy):
        actions.append(LookAgain(keys=touched, because=f"{facts.key.tenant}'s config repository moved"))
    if not actions:
        return skip(because=f"it stands at {seen.head[:8]}, as before")
    return act(*actions, because=reason(facts, touched))


def adoption(facts: ConfigurationFacts) -> tuple[WriteInstall, ...]:
    """A person asked to tie this journal to the repository, and Git does not say so yet."""
    seen = facts.seen
    if not seen.adoption_asked_by or seen.install == seen.installation:
        return ()
    return (
        WriteInstall(
            key=facts.key,
            installation=seen.installation,
            asked_by=seen.adoption_asked_by,
            because=f"{seen.adoption_asked_by} asked to adopt this repository",
        ),
    )


def learn(facts: ConfigurationFacts) -> LearnConfiguration | None:
    """What is different from what the journal knows, or None."""
    seen = facts.seen
    policy = seen.policy or seen.known_policy
    now = (seen.head, policy, seen.install, seen.merge_requests)
    if now == (seen.known_head, seen.known_policy, seen.known_install, seen.known_merge_requests):
        return None
    return LearnConfiguration(
        key=facts.key,
        head=seen.head,
        policy=policy,
        merge_requests=seen.merge_requests,
        install=seen.install,
        fault=seen.fault,
    )


def touched_applications(facts: ConfigurationFacts, policy: Policy) -> tuple[ApplicationKey, ...]:
    """Everything when the policy or the identity changed, else what the changed paths and merge requests are about."""
    seen, tenant = facts.seen, facts.key.tenant
    text = seen.policy or seen.known_policy
    learned = Policy.model_validate_json(text) if text else policy
    everything = tuple(ApplicationKey(tenant, name) for name in sorted(learned.applications))
    renewed = seen.policy not in ("", seen.known_policy) or seen.install != seen.known_install
    if renewed or seen.changed is None:
        return everything
    moved = {mark.branch for mark in set(seen.merge_requests) ^ set(seen.known_merge_requests)}
    return tuple(key for key in everything if is_touched(key, learned, set(seen.changed), moved))


def is_touched(key: ApplicationKey, policy: Policy, paths: set[str], branches: set[str]) -> bool:
    """One of the application's files or merge requests is among those that moved."""
    if any(branch.endswith(f"/{key.application}") for branch in branches):
        return True
    return not paths.isdisjoint(files_of(key, policy))


def files_of(key: ApplicationKey, policy: Policy) -> set[str]:
    """The files of the config repository that say what runs of an application."""
    files: set[str] = set()
    for name in policy.environments_of(key.application):
        own = (policy.release_file, policy.pin_file, policy.denial_file)
        files |= {file(key.application, name) for file in own}
        files |= {position.file for position in policy.environment(key.application, name).positions}
    return files


def reason(facts: ConfigurationFacts, touched: tuple[ApplicationKey, ...]) -> str:
    """The sentence for the run."""
    seen = facts.seen
    if seen.fault:
        return f"the policy at {seen.head[:8]} is not used, the last good one stays in force: {seen.fault}"
    names = ", ".join(key.application for key in touched) or "no application"
    return f"it stands at {seen.head[:8]} (before: {seen.known_head[:8] or 'never seen'}), which touches {names}"


RULE = Rule(name="configuration", about=ConfigKey, facts=ConfigurationFacts, observe=observe, decide=decide)
