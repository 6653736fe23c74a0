"""`promote`: a person asks for a release; automation then brings that one and no other, until it is there."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, Release, Request, Spoken, VerbForm, compare_versions
from config.policy import Policy
from handlers.chatops.facts import CommandFacts, World, named
from handlers.chatops.naming import nearest_version
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import not_acting, opened
from handlers.gates import OVERRIDABLE

NEVER = "never overridable: what was measured to be bad, untested or touched by somebody else stays a person's matter"


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Check what can be checked now; gates are judged by the promotion itself, each time anew."""
    world, said = facts.world, command.heard.said
    if world is None or said is None:
        return refused(Refused(code="ask", rule="it must say into which environment"))
    environment = policy.environment(world.key.application, world.key.environment)
    if refusal := not_acting(world, environment) or not_overridable(said, environment.after):
        return refused(refusal)
    if environment.delivery == "observe":
        found = f"{environment.name} follows its build by itself"
        return refused(Refused(code="nothing_to_do", rule="releases must be promoted into it", found=found))
    target = wanted(command, said, world)
    if isinstance(target, Refused):
        return refused(target)
    if refusal := standing_against(target, said, world):
        return refused(refusal)
    return opened(command, world, f"{target.name} is promoted into {environment.name} once its gates are green")


def wanted(command: Command, said: Spoken, world: World) -> Release | Refused:
    """The version named, else the one that waits, else the newest known that is newer than what Git declares."""
    if said.version:
        return named(command, world) or nearest_version(said.version, world)
    if world.open_promotion is not None:
        return world.open_promotion.release
    declared = world.seen.declared.version if world.seen.declared else "0.0.0-0"
    newer = [r.release for r in world.releases if compare_versions(r.release.version, declared) == "newer"]
    if not newer:
        found = f"no release is newer than {declared}"
        return Refused(code="nothing_to_do", rule="a newer release, or a version named", found=found)
    best = newer[0]
    for one in newer[1:]:
        best = one if compare_versions(one.version, best.version) == "newer" else best
    return best


def not_overridable(said: Spoken, after: tuple[str, ...]) -> Refused | None:
    """Gates and environments that cannot be passed over."""
    for gate in said.override:
        if gate.replace("-", " ").replace("_", " ") not in OVERRIDABLE:
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


def standing_against(target: Release, said: Spoken, world: World) -> Refused | None:
    """It is there already, it is denied, or another request wants something else."""
    if world.seen.declared is not None and world.seen.declared.id == target.id:
        found = f"Git says {target.name} in {world.key.environment}"
        return Refused(code="already", rule="it must not be there yet", found=found)
    if (denial := world.seen.denied(target)) is not None:
        help_ = f'`allow {world.key.application} {denial.version} in {world.key.environment} --reason "…"`'
        rule, found = "a denied release is never promoted", f"{target.name} is denied: {denial.because}"
        return Refused(code="never_overridable", rule=rule, found=found, next=help_)
    other = conflicting(target, world)
    if other is not None and not said.replace:
        found = f"{other.principal} asked for {other.version or 'the one that waits'}"
        next_ = "Add --replace to ask for this one instead."
        return Refused(code="conflict", rule="one request at a time", found=found, next=next_)
    return None


def conflicting(target: Release, world: World) -> Request | None:
    """Another open request to promote something else."""
    asked = (request for request in world.requests if request.kind == "promote")
    return next((request for request in asked if request.version not in (target.version, target.name)), None)


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
