"""`why`: the deciding code itself says why an environment is as it is."""

from datetime import datetime

from bot.actions import Refused, WhyTold
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused, told


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """What each rule decides there now, and the gates it judged."""
    key = command.heard.key
    if key is None:
        return refused(Refused(code="ask", rule="it must say of which environment"))
    answer = WhyTold(key=key, lines=facts.explained.lines, gates=facts.explained.gates)
    return told(answer, because=f"{key.environment} is explained")


VERB = Verb(
    form=VerbForm(
        name="why",
        usage="why [APPLICATION] ENVIRONMENT",
        about="Why an environment is as it is, in the words of the rules.",
        takes=frozenset({"application", "environment"}),
        needs=frozenset({"application", "environment"}),
        changes=False,
    ),
    decide=decide,
)
