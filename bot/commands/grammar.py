"""Reads a line by the forms of its verbs: what was said, or why it cannot be understood and what to write instead."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, cast

from bot.commanded import Fault, Spoken
from bot.commands import times
from bot.commands.lines import Line
from bot.commands.nearest import nearest
from bot.commands.words import UNSEEN, split, strange
from bot.verbs import SWITCHES, VALUED, Names, Slot, VerbForm

LONGEST_LINE = 2000
LONGEST_REASON = 500
VERSION = re.compile(r"v?\d[0-9A-Za-z.+_-]{0,127}")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
GATE = re.compile(r"[a-z][a-z _-]{0,40}")
CODE = re.compile(r"[A-Za-z0-9-]{6,64}")
PERCENT = re.compile(r"(\d{1,3})%")
INTO = frozenset({"to", "in", "into"})
DASHES = re.compile(r"^[\u2010-\u2015\u2212]+")
"""What telephones and word processors make of two hyphens."""


class _Misread(Exception):
    """The fault that ends the reading of a line."""

    def __init__(self, code: str, because: str, do: str = "") -> None:
        super().__init__(because)
        self.fault = Fault(code=code, because=because, do=do)


class Grammar:
    """The verbs there are. `name` is ours as help shows it, such as `/sluice`."""

    def __init__(self, forms: Iterable[VerbForm], *, name: str = "/sluice") -> None:
        self.forms = {form.name: form for form in forms}
        self.name = name

    def read(self, line: Line, names: Names, now: datetime) -> Spoken | Fault:
        """What the line says; names are those of the policies in force, now is when it was said (with zone)."""
        try:
            return self._read(line, names, now)
        except _Misread as error:
            return error.fault

    def _read(self, line: Line, names: Names, now: datetime) -> Spoken:
        if line.look_alike:
            raise _Misread("look_alike", "its name has characters that only look like ours", f"Type {self.name} anew.")
        if len(line.said) > LONGEST_LINE or UNSEEN.search(line.said):
            because = "it is too long" if len(line.said) > LONGEST_LINE else "it holds characters that nobody sees"
            raise _Misread("bad_argument", because, "Type it anew, without formatting.")
        words, reason = _reason(line.said)
        form = self._verb(words)
        reading = _Reading(form=form, names=names, now=now, words=words[1:])
        said = reading.all()
        return replace(said, reason=self._checked(form, reason))

    def _verb(self, words: list[str]) -> VerbForm:
        word = words[0] if words else "help"
        form = self.forms.get(word.lower())
        if form is not None:
            return form
        near = nearest(word, self.forms) if word.isascii() else ""
        do = f"Did you mean `{self.name} {near}`?" if near else f"`{self.name} help` shows what there is."
        raise _Misread("unknown_verb", "there is no such command", do)

    def _checked(self, form: VerbForm, reason: str | None) -> str:
        if reason is not None and form.reason == "none":
            raise _Misread("bad_argument", f"{form.name} takes no reason", f"Write `{self.name} {form.usage}`.")
        if not reason and form.reason == "required":
            raise _Misread("bad_argument", f"{form.name} needs a reason", f"Write `{self.name} {form.usage}`.")
        if reason and len(reason) > LONGEST_REASON:
            raise _Misread("bad_argument", f"the reason is longer than {LONGEST_REASON} characters", "Shorten it.")
        return " ".join((reason or "").split())


def _reason(said: str) -> tuple[list[str], str | None]:
    """The words, and the reason: a quoted text behind `--reason`, or else the rest of the line."""
    before, flag, after = _parted(said)
    if not flag:
        return split(before), None
    after = after.lstrip("= ")
    if after[:1] in ('"', "'") and (end := after.find(after[0], 1)) > 0:
        return split(before) + split(after[end + 1 :]), after[1:end].strip()
    return split(before), after.strip()


def _parted(said: str) -> tuple[str, str, str]:
    found = re.search(r"(?:^|\s)--reason(?=[\s=]|$)", said)
    return (said[: found.start()], "--reason", said[found.end() :]) if found else (said, "", "")


@dataclass(slots=True)
class _Reading:
    """One line on its way: what is left of its words, and what is known so far."""

    form: VerbForm
    names: Names
    now: datetime
    words: list[str]
    known: dict[str, object] = field(default_factory=dict)

    def all(self) -> Spoken:
        """Every word finds its place, or is refused."""
        while self.words:
            word = self._next()
            if word.startswith("--"):
                self._flag(word)
            elif word.lower() in ("until", "for") and "end" in self.form.takes:
                self._end(word.lower())
            elif word.lower() in INTO:
                self._into(word)
            else:
                self._bare(word)
        return Spoken(verb=self.form.name, **self.known)  # type: ignore[arg-type]

    def _next(self) -> str:
        """The next word, in plain characters: what only looks like a name is none."""
        word = self.words.pop(0)
        if character := strange(word):
            self._strange(word, character)
        return word

    def _strange(self, word: str, character: str) -> None:
        if DASHES.match(word):
            raise _Misread(
                "look_alike", f"{word} begins with a dash that is no hyphen", f"Type {DASHES.sub('--', word)}."
            )
        because = f"{word} holds {character!a}, which is no letter of a name"
        raise _Misread("look_alike", because, "Type the name anew, in plain letters.")

    def _flag(self, word: str) -> None:
        flag, _, value = word.partition("=")
        if flag not in self.form.flags:
            near = nearest(flag, self.form.flags)
            do = f"Did you mean {near}?" if near else f"It takes {', '.join(sorted(self.form.flags)) or 'none'}."
            raise _Misread("bad_argument", f"{self.form.name} has no {flag}", do)
        if flag in SWITCHES:
            self._once(SWITCHES[flag], True)
        elif flag in VALUED:
            self._several(flag, value or (self._next() if self.words else ""))

    def _several(self, flag: str, value: str) -> None:
        if not GATE.fullmatch(value) and not NAME.fullmatch(value):
            raise _Misread("bad_argument", f"{flag} needs a name behind it", f"Write {flag} NAME.")
        slot = flag.removeprefix("--")
        self.known[slot] = (*cast(tuple[str, ...], self.known.get(slot, ())), value)

    def _end(self, word: Literal["until", "for"] | str) -> None:
        if "until" in self.known or "lasts" in self.known:
            raise _Misread("bad_argument", "its end is said twice", "Say either until when, or for how long.")
        try:
            if word == "until":
                self.known["until"], taken = times.moment(self.words, self.now)
                del self.words[:taken]
            else:
                self.known["lasts"] = times.length(self.words.pop(0) if self.words else "")
        except (ValueError, OverflowError) as error:
            raise _Misread("bad_argument", str(error)) from error

    def _into(self, word: str) -> None:
        if not self.words or "environment" not in self.form.takes:
            raise _Misread("bad_argument", f"{word!r} leads nowhere here", f"Write `{self.form.usage}`.")
        self._environment(self._next())

    def _bare(self, word: str) -> None:
        """A word by itself is what its looks and the known names say it is."""
        takes, lower = self.form.takes, word.lower()
        if "verb" in takes and "about" not in self.known:
            self.known["about"] = lower
        elif "code" in takes and CODE.fullmatch(word):
            self._once("about", word)
        elif "percent" in takes and (found := PERCENT.fullmatch(word)) and int(found[1]) <= 100:
            self._once("percent", int(found[1]))
        elif "application" in takes and lower in self.names.applications and "application" not in self.known:
            self._once("application", lower)
        elif "environment" in takes and lower in self.names.everywhere:
            self._once("environment", lower)
        elif "version" in takes and VERSION.fullmatch(word):
            self._once("version", word)
        else:
            raise self._unknown(word)

    def _environment(self, word: str) -> None:
        if word.lower() not in self.names.everywhere:
            raise self._unknown_name("environment", word, self.names.everywhere)
        self._once("environment", word.lower())

    def _unknown(self, word: str) -> _Misread:
        wanted = [slot for slot in ("application", "environment") if slot in self.form.takes and slot not in self.known]
        known = {name for slot in wanted for name in self._known(cast(Slot, slot))}
        if not wanted:
            return _Misread("bad_argument", f"{word!r} is too much here", f"Write `{self.form.usage}`.")
        return self._unknown_name(" or ".join(wanted), word, known)

    def _known(self, slot: Slot) -> frozenset[str]:
        return self.names.applications if slot == "application" else self.names.everywhere

    def _unknown_name(self, what: str, word: str, known: Iterable[str]) -> _Misread:
        near = nearest(word, known)
        some = ", ".join(sorted(known)[:20])
        do = f"Did you mean {near}?" if near else f"There is {some}." if some else "No policy names any yet."
        return _Misread("unknown_name", f"there is no {what} {word!r}", do)

    def _once(self, slot: str, value: object) -> None:
        if slot in self.known and self.known[slot] != value:
            raise _Misread("bad_argument", f"its {slot.replace('_', ' ')} is said twice", "Say one of them.")
        self.known[slot] = value
