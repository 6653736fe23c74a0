"""`retry`: what ended badly without having been measured to be bad is tried again."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import not_acting, opened
from handlers.ordered import not_retried


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The newest promotion of the environment, if it ended badly and nothing but its end stands against it."""
    world = facts.world
    if world is None:
        return refused(Refused(code="ask", rule="it must say in which environment"))
    environment = policy.environment(world.key.application, world.key.environment)
    if refusal := not_acting(world, environment):
        return refused(refusal)
    last = next((promotion for promotion in world.promotions if promotion.key == world.key), None)
    rule = "only what ended badly is tried again"
    if last is None:
        return refused(Refused(code="nothing_to_do", rule=rule, found="there was no promotion yet"))
    if (no := not_retried(last, world.seen)) is not None:
        return refused(Refused(code=no[1], rule=rule, found=no[2]))
    because = f"{last.release.name} is tried again in {environment.name}"
    return opened(facts, command, world.key, because, last.release)


VERB = Verb(
    form=VerbForm(
        name="retry",
        usage="retry [APPLICATION] ENVIRONMENT",
        about="Try again what failed, was declined or was withdrawn, unless it is denied.",
        takes=frozenset({"application", "environment"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="optional",
    ),
    decide=decide,
)
