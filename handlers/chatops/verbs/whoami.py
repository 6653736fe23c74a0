"""`whoami`: who the caller is to Sluice, and what they may do."""

from datetime import datetime

from bot.actions import Refused, WhoAmI
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused, told
from handlers.chatops.verbs.help_ import rights_in

SHOWN = ("promote", "approve", "reject", "cancel", "retry", "rollback", "allow", "hold", "freeze", "override")


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """By environment, which commands the policy lets the caller give."""
    caller, application = facts.caller, command.heard.application
    if caller is None:
        return refused(Refused(code="unknown_caller", rule="somebody must have asked"))
    may = {verb: rights_in(verb, caller, application, policy) for verb in SHOWN}
    names = policy.environments_of(application) or policy.order
    answer = WhoAmI(
        principal=str(caller.principal),
        name=caller.principal.name,
        role=caller.role,
        groups=caller.groups,
        rights=tuple((name, tuple(verb for verb in SHOWN if name in may[verb])) for name in names),
    )
    return told(answer, because=f"{caller.principal.name} is {caller.role}")


VERB = Verb(
    form=VerbForm(
        name="whoami",
        usage="whoami",
        about="Who you are to Sluice, and what you may do here.",
        takes=frozenset({"application"}),
        changes=False,
    ),
    decide=decide,
)
