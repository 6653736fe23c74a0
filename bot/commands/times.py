"""Moments as people type them, always with a zone: nobody should have to guess whose eight o'clock it was."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.words import parse_duration

CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
OFFSET = re.compile(r"[+-](0\d|1[0-4]):?([0-5]\d)")
LONGEST = timedelta(days=366)
EXAMPLES = "2026-11-24T08:00Z, 08:00 UTC, or tomorrow 08:00 Europe/Berlin"


def moment(words: list[str], now: datetime) -> tuple[datetime, int]:
    """The moment that the words begin with, in UTC, and how many of them it took; ValueError says what is missing.

    `YYYY-MM-DDTHH:MMZONE`, or `HH:MM ZONE` for the next such moment, or `tomorrow HH:MM ZONE`.
    """
    if not words:
        raise ValueError(f"a moment is missing: write it like {EXAMPLES}")
    if "T" in words[0]:
        return _written_out(words[0]).astimezone(UTC), 1
    later = words[0].lower() == "tomorrow"
    rest = words[1:] if later else words
    clock = CLOCK.fullmatch(rest[0]) if rest else None
    if clock is None:
        raise ValueError(f"{words[0]} is no moment: write it like {EXAMPLES}")
    if len(rest) < 2:
        raise ValueError(f"{rest[0]} has no zone: write it like {EXAMPLES}")
    at = _next(time(int(clock[1]), int(clock[2])), zone(rest[1]), now, later=later)
    return at.astimezone(UTC), 2 + later


def length(word: str) -> timedelta:
    """A duration such as 90m, 4h or 2d; ValueError otherwise."""
    found = parse_duration(word)
    if not isinstance(found, timedelta) or not timedelta() < found <= LONGEST:
        raise ValueError(f"{word} is no length of time: write it like 90m, 4h or 2d, at most 366d")
    return found


def zone(name: str) -> tzinfo:
    """UTC, Z, an offset such as +01:00, or a name of the IANA database; ValueError for any other."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return ZoneInfo("UTC")
    if OFFSET.fullmatch(name):
        return datetime.strptime(name.replace(":", ""), "%z").tzinfo or ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name} is no time zone: write UTC, +01:00, or a name such as Europe/Berlin") from error


def _written_out(word: str) -> datetime:
    try:
        at = datetime.fromisoformat(word)
    except ValueError as error:
        raise ValueError(f"{word} is no moment: write it like {EXAMPLES}") from error
    if at.tzinfo is None:
        raise ValueError(f"{word} has no zone: write {word}Z for UTC, or its offset")
    return at


def _next(clock: time, zone: tzinfo, now: datetime, *, later: bool) -> datetime:
    """The next such moment; tomorrow's is of the zone's next day."""
    here = now.astimezone(zone)
    at = datetime.combine(here.date() + timedelta(days=int(later)), clock, zone)
    return at if later or at > here else datetime.combine(here.date() + timedelta(days=1), clock, zone)
