"""`reject`: a person says no to the promotion that waits; it is closed, and does not come again by itself."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import opened


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The promotion that is open is declined."""
    world = facts.world
    promotion = world.open_promotion if world else None
    if world is None or promotion is None:
        where = command.heard.environment
        rule, found = "a promotion must wait there", f"nothing waits for {where}"
        return refused(Refused(code="nothing_to_do", rule=rule, found=found))
    because = f"{promotion.release.name} is declined for {world.key.environment}"
    return opened(facts, command, world.key, because, promotion.release)


VERB = Verb(
    form=VerbForm(
        name="reject",
        usage='reject [APPLICATION] [ENVIRONMENT] --reason "…"',
        about="Say no to the promotion that waits: it is closed, and asked for anew only by a person.",
        takes=frozenset({"application", "environment"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="required",
    ),
    decide=decide,
)
