"""`rollback`: a person wants a release gone; the rule of rollbacks takes it back, whatever is frozen."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import not_acting, opened, was_there


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Without a version, what Git declares is meant."""
    world, said = facts.world, command.heard.said
    if world is None or said is None:
        return refused(Refused(code="ask", rule="it must say in which environment"))
    environment = policy.environment(world.key.application, world.key.environment)
    if refusal := not_acting(world, environment):
        return refused(refusal)
    meant = was_there(command, world) if said.version else world.seen.declared
    if isinstance(meant, Refused):
        return refused(meant)
    name = meant.name if meant else "what it declares"
    because = (
        f"unless a guard stands against it, {environment.name} goes back from {name} "
        "to the release that was healthy there before, and a pin keeps it there"
    )
    return opened(facts, command, world.key, because, meant)


VERB = Verb(
    form=VerbForm(
        name="rollback",
        usage='rollback [APPLICATION] in ENVIRONMENT [VERSION] [--deny] --reason "…"',
        about="Take a release back: Git returns to the one that was healthy before, and stays there.",
        takes=frozenset({"application", "environment", "version"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run", "--deny"}),
        reason="required",
    ),
    decide=decide,
)
