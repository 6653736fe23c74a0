"""`cancel`: a request to promote is withdrawn; its merge request is closed, and comes again when somebody asks."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.asked import meant, pinning
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import opened


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Only what somebody asked for can be cancelled; what automation proposes is rejected."""
    world = facts.world
    if world is None:
        return refused(Refused(code="ask", rule="it must say in which environment"))
    asked = pinning(world.requests)
    if asked is None:
        rule, found = "somebody must have asked for it", f"nobody asked for a promotion into {world.key.environment}"
        next_ = f"`reject {world.key.application} {world.key.environment} --reason …` closes what automation proposes."
        return refused(Refused(code="nothing_to_do", rule=rule, found=found, next=next_))
    because = f"{asked.principal} asked for {asked.version or 'a promotion'}, which is withdrawn"
    return opened(facts, command, world.key, because, meant(asked, world.releases))


VERB = Verb(
    form=VerbForm(
        name="cancel",
        usage="cancel [APPLICATION] [ENVIRONMENT]",
        about="Withdraw a request to promote.",
        takes=frozenset({"application", "environment"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="optional",
    ),
    decide=decide,
)
