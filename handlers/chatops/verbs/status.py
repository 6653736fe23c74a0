"""`status`: what runs where, and what is on its way."""

from datetime import datetime

from bot.actions import StatusTold
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, told


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Every environment of the tenant, or those of one application or one environment."""
    wanted = command.heard.environment
    lines = tuple(line for line in facts.standings if wanted in ("", line.key.environment))
    return told(StatusTold(lines=lines, at=now), because=f"{len(lines)} environments are shown")


VERB = Verb(
    form=VerbForm(
        name="status",
        usage="status [APPLICATION] [ENVIRONMENT]",
        about="What runs where, and what is on its way.",
        takes=frozenset({"application", "environment"}),
        changes=False,
    ),
    decide=decide,
)
