"""`thaw`: the freezes that people set on an environment end; those of a calendar stay."""

from datetime import datetime

from bot.actions import Refused, Thaw
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts, fresh
from handlers.chatops.verb import Ending, Verb, done, refused, would


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The newest release of each application goes on by itself, its gates judged anew."""
    heard, said = command.heard, command.heard.said
    standing = [freeze for freeze in facts.freezes if fresh(freeze.until, now)]
    if said is None or not standing:
        rule, found = "somebody must have frozen it", f"nobody froze {heard.environment} by a command"
        return refused(Refused(code="nothing_to_do", rule=rule, found=found))
    people = ", ".join(sorted({freeze.principal for freeze in standing}))
    because = f"{heard.environment} is thawed (it was frozen by {people}), and looked at now"
    if said.dry_run:
        return would(because)
    return done(because, Thaw(tenant=heard.tenant, environment=heard.environment, principal=facts.speaker(command)))


VERB = Verb(
    form=VerbForm(
        name="thaw",
        usage="thaw ENVIRONMENT",
        about="End the freezes that people set on an environment.",
        takes=frozenset({"environment"}),
        needs=frozenset({"environment"}),
        flags=frozenset({"--dry-run"}),
        reason="optional",
    ),
    decide=decide,
)
