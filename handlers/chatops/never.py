"""What never runs, whoever wrote it: checked before anything else, each answered once or not at all."""

from datetime import datetime, timedelta

from bot.actions import Code, Refused
from bot.observing import Command, NoteSeen
from handlers.chatops.facts import CommandFacts

OLDEST = timedelta(minutes=10)
"""A command that was written longer ago does not run: who wrote it no longer watches, and the world moved on."""


def silent(facts: CommandFacts) -> str:
    """Why a command is neither run nor answered: it comes from a bot, which might answer back; empty otherwise."""
    caller = facts.caller
    if caller is None:
        return ""
    if caller.ours:
        return "the bot wrote it itself"
    if caller.is_bot and caller.principal.kind != "token":
        return f"{caller.principal.name} is a bot, and bots are not answered"
    return ""


def never(facts: CommandFacts, command: Command, now: datetime) -> Refused | None:
    """Why this message does not run, for the person who wrote it; None when it may."""
    place, heard = command.heard.place, command.heard
    if place.edited:
        rule = "edited notes do not run"
        return Refused(code="edited_note", rule=rule, found="somebody edited the note", next="Write it as a new note.")
    if place.fork:
        rule = "merge requests from forks command nothing"
        return Refused(code="fork", rule=rule, found="it comes from another project")
    if place.door == "note" and (refusal := changed(facts.note, command)):
        return refusal
    age = now - heard.said_at
    if age > OLDEST:
        minutes = int(OLDEST.total_seconds() // 60)
        found = f"it was written at {heard.said_at:%Y-%m-%d %H:%M} UTC"
        return Refused(
            code="too_old", rule=f"nothing older than {minutes} minutes runs", found=found, next="Say it again."
        )
    if heard.fault is not None:
        return misread(command)
    return None


def changed(note: NoteSeen | None, command: Command) -> Refused | None:
    """The signed text is what runs; a note that says something else now, or that another touched, is asked for anew."""
    rule, again = "the note must still say what it said", "Write it as a new note."
    if note is None:
        return Refused(code="note_changed", rule=rule, found="it was deleted", next=again)
    if note.author != command.heard.principal.id:
        return Refused(code="note_changed", rule=rule, found="its author is somebody else", next=again)
    if note.words != command.heard.words or note.edited:
        return Refused(code="note_changed", rule=rule, found="it was edited meanwhile", next=again)
    return None


CODES: dict[str, Code] = {
    "unknown_verb": "unknown_verb",
    "bad_argument": "bad_argument",
    "unknown_name": "unknown_name",
    "ask": "ask",
    "look_alike": "look_alike",
}


def misread(command: Command) -> Refused:
    """What the grammar could not make sense of."""
    fault = command.heard.fault
    because, do, code = (fault.because, fault.do, fault.code) if fault else ("", "", "")
    return Refused(code=CODES.get(code, "bad_argument"), rule="it must be understood", found=because, next=do)
