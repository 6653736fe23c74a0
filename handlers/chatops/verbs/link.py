"""`link`: a chat account and a GitLab account are one person, confirmed on both sides by a one-time code."""

from datetime import datetime

from bot.actions import RedeemCode, Refused
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, done, refused


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The chat gives the code, to that account alone; saying it in a note on GitLab links the two."""
    said, caller = command.heard.said, facts.caller
    if said is None or caller is None or not said.about:
        rule, next_ = "it needs the code that the chat gave", "Say `/sluice link` in the chat first."
        return refused(Refused(code="bad_argument", rule=rule, next=next_))
    if command.heard.place.door != "note" or caller.principal.kind != "gitlab":
        rule = "the code is said in a note on GitLab, so that both sides confirm it"
        return refused(Refused(code="bad_argument", rule=rule, found=f"it was said by {command.heard.place.door}"))
    if not facts.code_lives:
        rule, found = "a chat must have given the code, within ten minutes", "no chat did, or it was used, or is over"
        return refused(Refused(code="bad_argument", rule=rule, found=found, next="Say `/sluice link` in the chat."))
    record = RedeemCode(code=said.about, principal=caller.principal, command=command.id)
    return done(f"{caller.principal.name} says to be the chat account that this code was given to", record)


VERB = Verb(
    form=VerbForm(
        name="link",
        usage="link [CODE]",
        about="Tie your chat account to your GitLab account: the chat gives a code, a note on GitLab says it.",
        takes=frozenset({"code"}),
    ),
    decide=decide,
)
