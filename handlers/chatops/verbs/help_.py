"""`help`: this project's commands, for this user."""

from collections.abc import Iterable
from datetime import datetime

from bot.actions import Helped, HelpLine
from bot.observing import Caller, Command, VerbForm
from config.policy import Policy
from handlers.chatops.authorising import WIDE, Right, authorise
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, told

NAME = "/sluice"


FORM = VerbForm(
    name="help",
    usage="help [COMMAND]",
    about="This list, for you and this project.",
    takes=frozenset({"verb"}),
    changes=False,
)


def verb_of(others: Iterable[Verb]) -> Verb:
    """`help` about itself and all the others."""
    forms = (FORM, *(verb.form for verb in others))

    def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
        said, caller = command.heard.said, facts.caller
        wanted = said.about if said else ""
        named = [form for form in forms if wanted in ("", form.name)] or forms
        lines = tuple(line(form, caller, command, policy) for form in named if caller is not None)
        return told(Helped(name=NAME, lines=lines), because=f"{len(lines)} commands are explained")

    return Verb(form=FORM, decide=decide)


def line(form: VerbForm, caller: Caller, command: Command, policy: Policy) -> HelpLine:
    """One verb as this caller sees it."""
    where = rights_in(form.name, caller, command.heard.application, policy)
    return HelpLine(usage=form.usage, about=form.about, allowed=bool(where), where=where)


def rights_in(verb: str, caller: Caller, application: str, policy: Policy) -> tuple[str, ...]:
    """The environments in which a caller may give a verb, in promotion order."""
    names = policy.environments_of(application) or policy.order
    about = "" if verb in WIDE else application
    rights = [Right(verb=verb, application=about, environment=name) for name in names]
    return tuple(right.environment for right in rights if authorise(caller, right, policy) is None)
