"""Commands: the next one of a thread is checked, authorised, decided and answered; the others after it, in order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from bot.actions import (
    Action,
    Answer,
    Code,
    Decision,
    Emoji,
    LookAgain,
    MarkTold,
    React,
    Refused,
    Reply,
    SettleCommand,
    Told,
    act,
    skip,
)
from bot.events import CommandKey
from bot.observing import Command, Rule
from config.policy import Policy
from handlers.chatops.authorising import Right, authorise
from handlers.chatops.binding import moved
from handlers.chatops.facts import CommandFacts, observe
from handlers.chatops.never import never, silent
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs import VERBS

BY_NAME: Mapping[str, Verb] = {verb.form.name: verb for verb in VERBS}
SEEN: Mapping[str, Emoji] = {"done": "white_check_mark", "refused": "x", "failed": "x", "open": "eyes"}


def decide(facts: CommandFacts, policy: Policy, now: datetime) -> Decision:
    """Tell what ended, then take the next command; one at a time, so that each sees what the one before left."""
    ended = [action for command in facts.ended for action in tell_end(command)]
    command = facts.command
    if command is None:
        return act(*ended, because="requests ended, and are told") if ended else skip(because="nothing is waiting")
    more = (LookAgain(keys=(facts.key,), because=f"{facts.waiting} more commands wait"),) if facts.waiting else ()
    if why := silent(facts):
        unsaid = settled(command, refused(Refused(code="bot", rule=why)), now)
        return act(*ended, unsaid, *more, because=why) if ended else skip(unsaid, *more, because=why)
    ending = judge(facts, command, policy, now)
    return act(*ended, *carry_out(command, ending, now), *more, because=f"{command.heard.text}: {ending.because}")


def judge(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """What never runs, who may, what moved in between, and then what the verb itself says."""
    if refusal := never(facts, command, now) or forbidden(facts, command, policy):
        return refused(refusal)
    if facts.world is not None and (refusal := moved(command, facts.world)):
        return refused(refusal)
    said = command.heard.said
    verb = BY_NAME.get(said.verb) if said else None
    if verb is None:
        return refused(Refused(code="unknown_verb", rule="the verb must be one of ours"))
    return verb.decide(facts, command, policy, now)


def forbidden(facts: CommandFacts, command: Command, policy: Policy) -> Refused | None:
    """The authoriser's word; overriding a gate or skipping an environment is a right of its own."""
    said, caller = command.heard.said, facts.caller
    if said is None or caller is None:
        return Refused(code="unknown_caller", rule="somebody must have said it")
    verbs = [said.verb, *(["override"] if said.skip or said.override else [])]
    rights = [
        Right(verb=v, application=command.heard.application, environment=command.heard.environment) for v in verbs
    ]
    return next((refusal for right in rights if (refusal := authorise(caller, right, policy))), None)


def carry_out(command: Command, ending: Ending, now: datetime) -> list[Action]:
    """The records first: what a command leaves behind must not be forgotten when the answer was already given."""
    actions: list[Action] = [*ending.records, settled(command, ending, now)]
    if ending.outcome == "open":
        actions = [*ending.records]
    return [*actions, *shown(command, SEEN[ending.outcome], ending.answer, ending.because)]


def settled(command: Command, ending: Ending, now: datetime) -> SettleCommand:
    """How it ended."""
    outcome: Literal["done", "refused"] = "refused" if ending.outcome == "refused" else "done"
    return SettleCommand(command=command, outcome=outcome, code=ending.code, because=ending.because, at=now)


def shown(command: Command, emoji: Emoji, answer: Answer | None, because: str) -> list[Action]:
    """The emoji where it was said, and the answer when there is something to say."""
    place, key = command.heard.place, CommandKey(command.heard.tenant, command.heard.place.thread)
    actions: list[Action] = []
    if place.door == "note":
        actions.append(React(key=key, command=command.id, place=place, emoji=emoji, because=because))
    if answer is not None and place.door != "api":
        public = not isinstance(answer, Refused) and is_change(command)
        reply = Reply(key=key, command=command.id, place=place, answer=answer, public=public, because=because)
        actions.append(reply)
    return actions


def is_change(command: Command) -> bool:
    """Whether it changed something that others in a channel want to know."""
    said = command.heard.said
    verb = BY_NAME.get(said.verb) if said else None
    return verb is not None and verb.form.changes


def tell_end(command: Command) -> list[Action]:
    """A request that its environment's rule dealt with: the emoji says how, and a no is explained."""
    good = command.state == "done"
    answer: Answer = Told(because=command.because) if good else Refused(code=code_of(command), rule=command.because)
    chat = command.heard.place.door in ("slack", "mattermost")
    told = shown(command, SEEN[command.state], answer if chat or not good else None, command.because)
    return [*told, MarkTold(command=command.id)]


def code_of(command: Command) -> Code:
    """The code it was settled with, as long as it is one of ours."""
    return next((code for code in get_args(Code) if code == command.code), "failed")


RULE = Rule(name="commands", about=CommandKey, facts=CommandFacts, observe=observe, decide=decide)
