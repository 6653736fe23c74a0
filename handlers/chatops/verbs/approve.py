"""`approve`: a second person says yes to exactly this release and change."""

from datetime import datetime

from bot.actions import KeepApproval, Refused
from bot.observing import Approval, Caller, Command, VerbForm
from config.policy import ApprovalsForm, Policy
from handlers.chatops.authorising import is_one_of, phrase
from handlers.chatops.facts import CommandFacts, World, named
from handlers.chatops.naming import nearest_version
from handlers.chatops.verb import Ending, Verb, done, refused, would
from handlers.gates.approved import PART


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The yes is kept, bound to what is approved, unless the caller is part of it or does not count here."""
    world, caller = facts.world, facts.caller
    promotion = world.open_promotion if world else None
    if world is None or caller is None or promotion is None or not world.change:
        rule, found = "a merge request must wait for it", f"none is open for {command.heard.environment}"
        return refused(Refused(code="nothing_to_do", rule=rule, found=found))
    said = command.heard.said
    if said is not None and said.version and (other := another(command, said.version, world)) is not None:
        return refused(other)
    approvals = policy.environment(world.key.application, world.key.environment).approvals
    if refusal := not_counting(caller, approvals, world):
        return refused(refusal)
    approval = Approval(
        key=world.key,
        release_id=promotion.release.id,
        change=world.change,
        principal=caller.principal,
        door=command.heard.place.door,
        at=now,
        command=command.id,
    )
    because = f"{caller.principal.name} approved {promotion.release.name} for {world.key.environment}"
    return would(because) if said and said.dry_run else done(because, KeepApproval(approval=approval))


def another(command: Command, version: str, world: World) -> Refused | None:
    """A version that was named must be the one that waits."""
    promotion, meant = world.open_promotion, named(command, world)
    if meant is None:
        return nearest_version(version, world)
    if promotion is not None and promotion.release.id == meant.id:
        return None
    found = f"{promotion.release.name if promotion else 'nothing'} waits for {world.key.environment}"
    return Refused(code="release_changed", rule=f"{meant.name} must be what waits", found=found)


def not_counting(caller: Caller, approvals: ApprovalsForm, world: World) -> Refused | None:
    """Whose yes would not count is told so, instead of being counted silently as nothing."""
    mine = [role for role, person in world.involved.people if person == caller.principal.id]
    excluded = next((role for role in mine if role in approvals.exclude), None)
    if excluded is not None:
        found = f"{caller.principal.name} {PART[excluded]}"
        return Refused(code="self_approval", rule="nobody approves what they are part of", found=found)
    if not approvals.from_.nobody and not is_one_of(caller, approvals.from_):
        needed = phrase([approvals.from_])
        rule, found = f"who counts in {world.key.environment}", f"{caller.principal.name} is {caller.role}"
        return Refused(code="not_allowed", rule=rule, found=found, needed=needed, who=needed)
    promotion = world.open_promotion
    release = promotion.release.id if promotion else ""
    given = (world.change, release, caller.principal)
    if any((one.change, one.release_id, one.principal) == given for one in world.approvals):
        found = f"{caller.principal.name} approved it before"
        return Refused(code="already", rule="each person counts once", found=found)
    return None


VERB = Verb(
    form=VerbForm(
        name="approve",
        usage="approve [APPLICATION] [ENVIRONMENT] [VERSION]",
        about="Say yes to the promotion that waits: to exactly this release and change.",
        takes=frozenset({"application", "environment", "version"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="optional",
    ),
    decide=decide,
)
