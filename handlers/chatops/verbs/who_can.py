"""`who-can`: who may give a command here, by the policy."""

from datetime import datetime

from bot.actions import Refused, WhoCan
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.authorising import FREE, WIDE, Right, granting, phrase
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused, told


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """One environment, or each."""
    said, heard = command.heard.said, command.heard
    if said is None or not said.about:
        return refused(Refused(code="bad_argument", rule="it must name a command", next="`who-can promote`"))
    names = (
        [heard.environment] if heard.environment else list(policy.environments_of(heard.application) or policy.order)
    )
    lines = tuple((name, who(said.about, heard.application, name, policy)) for name in names)
    return told(WhoCan(verb=said.about, lines=lines), because=f"who may {said.about} is told")


def who(verb: str, application: str, environment: str, policy: Policy) -> str:
    """A phrase without mentions."""
    if verb in FREE:
        return "everybody"
    about = "" if verb in WIDE else application
    return phrase(granting(Right(verb=verb, application=about, environment=environment), policy)) or "nobody"


VERB = Verb(
    form=VerbForm(
        name="who-can",
        usage="who-can COMMAND [in ENVIRONMENT]",
        about="Who may give a command, by the policy.",
        takes=frozenset({"verb", "environment", "application"}),
        changes=False,
    ),
    decide=decide,
)
