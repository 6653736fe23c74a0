"""`promote`: a person asks for a release; automation then brings that one and no other, until it is there."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, Release, Spoken, VerbForm
from config.policy import EnvironmentPolicy, Policy
from handlers.asked import Ground, is_meant, joined, not_brought
from handlers.chatops.facts import CommandFacts, World, named
from handlers.chatops.naming import nearest_version
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import not_acting, opened
from handlers.choosing import kept_out, may_follow, newest
from handlers.gates import OVERRIDABLE, gate_name, pin

NEVER = "never overridable: what was measured to be bad, untested or touched by somebody else stays a person's matter"


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Check what can be checked now; gates are judged by the promotion itself, each time anew."""
    world, said = facts.world, command.heard.said
    if world is None or said is None:
        return refused(Refused(code="ask", rule="it must say into which environment"))
    environment = policy.environment(world.key.application, world.key.environment)
    if refusal := not_acting(world, environment) or not_overridable(said, environment.after):
        return refused(refusal)
    target = wanted(command, said, world)
    if isinstance(target, Refused):
        return refused(target)
    if refusal := standing_against(target, said, world, environment):
        return refused(refusal)
    because = f"{target.name} is promoted into {environment.name} once its gates are green"
    return opened(facts, command, world.key, because, target)


def wanted(command: Command, said: Spoken, world: World) -> Release | Refused:
    """The version named, else the one that waits, else the newest that nothing keeps out and Git does not have."""
    if said.version:
        return named(command, world) or nearest_version(said.version, world)
    if world.open_promotion is not None:
        return world.open_promotion.release
    declared = world.seen.declared
    newer = [one.release for one in world.releases if may_follow(one.release, declared)]
    out = kept_out(world.key, world.seen, world.releases, world.promotions)
    best = newest([release for release in newer if release.id not in out])
    if best is None:
        found = f"no release is newer than {declared.name}" if declared else "no release is known yet"
        return Refused(code="nothing_to_do", rule="a newer release, or a version named", found=found)
    return best


def not_overridable(said: Spoken, after: tuple[str, ...]) -> Refused | None:
    """Gates and environments that cannot be passed over."""
    for gate in said.override:
        if gate_name(gate) not in OVERRIDABLE:
            found = f"{gate} is not one of {', '.join(sorted(OVERRIDABLE))}"
            return Refused(code="never_overridable", rule=NEVER, found=found)
    for environment in said.skip:
        if environment not in after:
            found = f"{environment} does not come before it: {', '.join(after) or 'nothing'} does"
            return Refused(code="unknown_name", rule="only an environment before it can be skipped", found=found)
    if (said.skip or said.override) and not said.reason:
        rule = "passing over a gate needs a reason"
        return Refused(code="bad_argument", rule=rule, next='Add `--reason "…"`.')
    return None


def standing_against(target: Release, said: Spoken, world: World, environment: EnvironmentPolicy) -> Refused | None:
    """It is there already, it can never land, or another request wants something else."""
    key, declared = world.key, world.seen.declared
    if declared is not None and declared.id == target.id:
        found = f"Git says {target.name} in {key.environment}"
        return Refused(code="already", rule="it must not be there yet", found=found)
    if (denial := world.seen.denied(target)) is not None:
        help_ = f'`allow {key.application} {denial.version} in {key.environment} --reason "…"`'
        rule, found = "a denied release is never promoted", f"{target.name} is denied: {denial.because}"
        return Refused(code="never_overridable", rule=rule, found=found, next=help_)
    pinned = pin.judge(key, target, world.seen, world.promotions)
    if pinned.verdict == "red":
        return Refused(code="never_overridable", rule="a pin is never passed over", found=pinned.because)
    if (no := not_brought(target, ground(world, environment))) is not None:
        _, code, because = no
        return Refused(code=code, rule="it must be able to land there", found=because)
    return asked_before(target, said, world)


def ground(world: World, environment: EnvironmentPolicy) -> Ground:
    """What requests are judged by."""
    return Ground(
        key=world.key,
        environment=environment,
        installation=world.installation,
        seen=world.seen,
        promotions=world.promotions,
    )


def asked_before(target: Release, said: Spoken, world: World) -> Refused | None:
    """One request at a time; the same again must pass over more than before."""
    asked = [request for request in world.requests if request.kind == "promote"]
    other = next((request for request in asked if not is_meant(target, request)), None)
    if other is not None and not said.replace:
        found = f"{other.principal} asked for {other.version}"
        next_ = "Add --replace to ask for this one instead."
        return Refused(code="conflict", rule="one request at a time", found=found, next=next_)
    same = joined(asked, target)
    passed = {gate_name(gate) for one in same for gate in one.override} | {name for one in same for name in one.skip}
    if same and other is None and {*map(gate_name, said.override), *said.skip} <= passed:
        found = f"{same[0].principal} asked for {target.name} before, and it waits for its gates"
        next_ = f"`why {world.key.application} {world.key.environment}` says for which."
        return Refused(code="already", rule="it must not have been asked for", found=found, next=next_)
    return None


VERB = Verb(
    form=VerbForm(
        name="promote",
        usage="promote [APPLICATION] [VERSION] to ENVIRONMENT [--dry-run] [--replace] [--skip ENVIRONMENT] "
        '[--override GATE] [--reason "…"]',
        about="Bring a release into an environment; automation brings no other until it is there.",
        takes=frozenset({"application", "environment", "version"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run", "--replace", "--skip", "--override"}),
        reason="optional",
    ),
    decide=decide,
)
