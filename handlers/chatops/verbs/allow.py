"""`allow`: a release that was taken back or is denied may come again."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import not_acting, opened, was_there


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Its denial leaves Git by the rule of rollbacks."""
    world = facts.world
    if world is None:
        return refused(Refused(code="ask", rule="it must say in which environment"))
    environment = policy.environment(world.key.application, world.key.environment)
    if refusal := not_acting(world, environment):
        return refused(refusal)
    release = was_there(command, world)
    if isinstance(release, Refused):
        return refused(release)
    because = f"{release.name} may be promoted into {environment.name} again once its denial is out of Git"
    return opened(facts, command, world.key, because, release)


VERB = Verb(
    form=VerbForm(
        name="allow",
        usage='allow [APPLICATION] VERSION in ENVIRONMENT --reason "…"',
        about="Let a release in again that was taken back or denied.",
        takes=frozenset({"application", "environment", "version"}),
        needs=frozenset({"application", "environment", "version"}),
        flags=frozenset({"--dry-run"}),
        reason="required",
    ),
    decide=decide,
)
