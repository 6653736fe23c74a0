"""What people are told in answer to a command, as data: the words are templates', the rule says only what is so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.keys import EnvironmentKey
from bot.releases import Release

Code = Literal[
    "ok",
    "not_allowed",
    "unknown_caller",
    "blocked",
    "unlinked",
    "bot",
    "edited_note",
    "system_note",
    "fork",
    "too_old",
    "note_changed",
    "look_alike",
    "release_changed",
    "frozen",
    "held",
    "self_approval",
    "needs_second_person",
    "nobody_left",
    "not_in_act_mode",
    "nothing_to_do",
    "already",
    "conflict",
    "never_overridable",
    "bad_argument",
    "unknown_verb",
    "unknown_name",
    "ask",
    "duplicate",
    "rate_limited",
    "superseded",
    "cancelled",
    "declined",
    "failed",
]
"""Why a command ended as it did: stable words for machines, kept in the journal and shown in replies and the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It is not carried out. rule: what stands against it. found and needed: the values that were compared.

    who: those who could, as a phrase without mentions. next: the command or step that helps; any may be empty.
    """

    code: Code
    rule: str
    found: str = ""
    needed: str = ""
    who: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sentence: what was done, or would be (dry run)."""

    because: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpLine:
    """A command as this caller sees it. allowed: they may give it somewhere here; where: in which environments."""

    usage: str
    about: str
    allowed: bool
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Helped:
    """What this caller can say in this project."""

    name: str
    lines: tuple[HelpLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """An environment as the journal knows it."""

    key: EnvironmentKey
    release: str
    health: str
    coming: str = ""
    waits: str = ""
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusTold:
    """What runs where, and what is on its way."""

    lines: tuple[StandingLine, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyLine:
    """What one rule decides now."""

    rule: str
    kind: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the rules decide about an environment now. gates: name, verdict, sentence."""

    lines: tuple[WhyLine, ...] = ()
    gates: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyTold:
    """Why an environment is as it is: the deciding code's own words. gates: name, verdict, sentence."""

    key: EnvironmentKey
    lines: tuple[WhyLine, ...]
    gates: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffTold:
    """What a promotion would change. changes: sha and title, newest first. images: name, from, to."""

    key: EnvironmentKey
    running: Release | None
    target: Release
    changes: tuple[tuple[str, str], ...]
    loses: tuple[tuple[str, str], ...]
    url: str
    images: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoCan:
    """Who may give a command where. lines: environment, and who as a phrase."""

    verb: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoAmI:
    """Who the caller is to us. rights: environment, and the commands they may give there."""

    principal: str
    name: str
    role: str
    groups: tuple[str, ...]
    rights: tuple[tuple[str, tuple[str, ...]], ...]


Answer = Refused | Told | Helped | StatusTold | WhyTold | DiffTold | WhoCan | WhoAmI
