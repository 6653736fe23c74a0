"""`unhold`: every hold of one environment of an application is lifted."""

from datetime import datetime

from bot.actions import LiftHolds, Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts, fresh
from handlers.chatops.verb import Ending, Verb, done, refused, would


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """Whoever set them."""
    key, said, world = command.heard.key, command.heard.said, facts.world
    if key is None or said is None or world is None:
        return refused(Refused(code="ask", rule="it must say which environment"))
    standing = [hold for hold in world.holds if fresh(hold.until, now)]
    if not standing:
        rule, found = "somebody must hold it", f"nobody holds {key.application} in {key.environment}"
        return refused(Refused(code="nothing_to_do", rule=rule, found=found))
    holders = ", ".join(sorted({hold.principal for hold in standing}))
    because = f"{key.environment} is no longer held (by {holders}), and looked at now"
    if said.dry_run:
        return would(because)
    return done(because, LiftHolds(key=key, principal=facts.speaker(command)))


VERB = Verb(
    form=VerbForm(
        name="unhold",
        usage="unhold [APPLICATION] ENVIRONMENT",
        about="Lift every hold of an environment.",
        takes=frozenset({"application", "environment"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="optional",
    ),
    decide=decide,
)
