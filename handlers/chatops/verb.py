"""A verb: its form, which the grammar reads by, and its decision about an authorised command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.actions import Answer, Code, Inside, Refused, Told
from bot.observing import Command, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What becomes of a command now. outcome `open`: a rule of its environment goes on with it.

    answer: what is said, None when the emoji and the sticky note say it all. records: what it leaves behind.
    """

    outcome: Literal["done", "refused", "open"]
    because: str
    code: Code = "ok"
    answer: Answer | None = None
    records: tuple[Inside, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """decide: called with the facts, the command among them, only when its caller may give it here."""

    form: VerbForm
    decide: Callable[[CommandFacts, Command, Policy, datetime], Ending]


def done(because: str, *records: Inside, answer: Answer | None = None) -> Ending:
    """It was carried out."""
    return Ending(outcome="done", because=because, records=records, answer=answer)


def told(answer: Answer, because: str) -> Ending:
    """A question was answered."""
    return Ending(outcome="done", because=because, answer=answer)


def refused(answer: Refused) -> Ending:
    """It is not carried out, and why."""
    because = ": ".join(part for part in (answer.rule, answer.found) if part)
    return Ending(outcome="refused", because=because, code=answer.code, answer=answer)


def would(because: str) -> Ending:
    """A dry run: what would have been done."""
    return Ending(outcome="done", because=f"dry run: {because}", answer=Told(because=because, dry_run=True))
