"""`diff`: what a promotion would change."""

from datetime import datetime

from bot.actions import DiffTold, Refused
from bot.observing import Change, Command, Image, Release, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts, World, named
from handlers.chatops.naming import nearest_version
from handlers.chatops.verb import Ending, Verb, refused, told


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The commits and images between what Git declares and the version named, or the promotion that is open."""
    world, said = facts.world, command.heard.said
    if world is None or said is None:
        return refused(Refused(code="ask", rule="it must say of which environment"))
    target = named(command, world)
    if target is None and said.version:
        return refused(nearest_version(said.version, world))
    promotion = world.open_promotion
    target = target or (promotion.release if promotion else None)
    if target is None:
        rule = "something must be on its way, or a version named"
        return refused(Refused(code="nothing_to_do", rule=rule, found=f"nothing waits for {world.key.environment}"))
    return told(between(world, target), because=f"{target.name} is compared with what {world.key.environment} declares")


def between(world: World, target: Release) -> DiffTold:
    """The comparison as data."""
    running, comparison = world.seen.declared, world.comparison
    now = {image.name: short(image) for image in running.images} if running else {}
    return DiffTold(
        key=world.key,
        running=running,
        target=target,
        changes=listed(comparison.brings) if comparison else (),
        loses=listed(comparison.loses) if comparison else (),
        url=comparison.url if comparison else "",
        images=tuple((image.name, now.get(image.name, ""), short(image)) for image in target.images),
    )


def short(image: Image) -> str:
    """A tag with the start of its digest."""
    return f"{image.tag}@{image.digest[:19]}" if image.tag else image.digest[:19]


def listed(changes: tuple[Change, ...]) -> tuple[tuple[str, str], ...]:
    """Commits by sha and title."""
    return tuple((change.sha, change.title) for change in changes)


VERB = Verb(
    form=VerbForm(
        name="diff",
        usage="diff [APPLICATION] ENVIRONMENT [VERSION]",
        about="What a promotion would change there.",
        takes=frozenset({"application", "environment", "version"}),
        needs=frozenset({"application", "environment"}),
        changes=False,
    ),
    decide=decide,
)
