"""What all verbs share that ask a rule of an environment for something: may the bot act there, and does it exist?"""

from bot.actions import OpenRequest, Refused
from bot.events import EnvironmentKey
from bot.observing import Command, Promotion, PromotionState, Release
from config.policy import EnvironmentPolicy
from handlers.chatops.facts import CommandFacts, World, named
from handlers.chatops.naming import nearest_version
from handlers.chatops.verb import Ending, would
from handlers.modes import muted

LANDED: frozenset[PromotionState] = frozenset({"applied", "done", "failed", "rolled_back", "bypassed", "downgraded"})


def not_acting(world: World, environment: EnvironmentPolicy) -> Refused | None:
    """A request must not wait for the bot to be allowed to act, and strike much later."""
    why = muted(environment, world.installation)
    if not why:
        return None
    rule = f"Sluice must be allowed to act in {world.key.environment}"
    return Refused(code="not_in_act_mode", rule=rule, found=why)


def opened(facts: CommandFacts, command: Command, key: EnvironmentKey, because: str, release: Release | None) -> Ending:
    """The command becomes a request for this very release; in a dry run, only what would happen is told."""
    said, caller = command.heard.said, facts.caller
    if said is not None and said.dry_run:
        return would(because)
    match said.verb if said else "":
        case "promote" | "rollback" | "allow" | "retry" | "cancel" | "reject" as kind:
            record = OpenRequest(
                command=command.id,
                key=key,
                kind=kind,
                because=because,
                version=release.version if release else "",
                release_id=release.id if release else "",
                principal=caller.principal if caller else command.heard.principal,
            )
            return Ending(outcome="open", because=because, records=(record,))
        case other:
            raise ValueError(f"{other} asks no rule for anything")


def was_there(command: Command, world: World) -> Release | Refused:
    """The version the command names, which must have been in the environment or be denied there."""
    said = command.heard.said
    version = said.version if said else ""
    release = named(command, world)
    if release is None:
        return nearest_version(version, world)
    here = any(is_landed(promotion, world) for promotion in world.promotions if promotion.release.id == release.id)
    if here or release in (world.seen.declared, world.seen.running) or world.seen.denied(release):
        return release
    rule = f"only what was in {world.key.environment} can be taken back or allowed again"
    return Refused(code="nothing_to_do", rule=rule, found=f"{release.name} was never there")


def is_landed(promotion: Promotion, world: World) -> bool:
    """Whether a promotion brought its release into the environment."""
    if promotion.key != world.key:
        return False
    came = bool(promotion.merged_revision) or promotion.healthy_at is not None or promotion.baseline
    return came or promotion.state in LANDED
