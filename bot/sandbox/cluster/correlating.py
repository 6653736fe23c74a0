"""How a controller's events become few: equal ones are counted, similar ones folded, and a flood of them lost.

Source: client-go, tools/record/events_cache.go (EventCorrelator).
"""

from dataclasses import dataclass, field
from datetime import datetime

from bot.sandbox.cluster.settings import Settings

FOLDED = "(combined from similar events): "
# Seconds: how long events stay similar, and how long a lost event's place takes to come back.
SIMILAR_WITHIN = 600.0
REFILL = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a controller says about an object."""

    controller: str
    uid: str
    kind: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What becomes of it: the Event to write. `name` is the one that is there already, empty for a new one."""

    key: tuple[str, ...]
    name: str
    message: str
    count: int


@dataclass(slots=True, kw_only=True)
class _Similar:
    last: datetime
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class _Places:
    left: float
    at: datetime


class Correlator:
    """Remembers what was said."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._similar: dict[tuple[str, ...], _Similar] = {}
        self._places: dict[tuple[str, str], _Places] = {}
        self._known: dict[tuple[str, ...], tuple[str, int]] = {}

    def correlate(self, said: Said, now: datetime) -> Told | None:
        """The Event to write, None when it is lost in a flood."""
        key, message = self._folded(said, now)
        name, count = self._known.get(key, ("", 0))
        self._known[key] = (name, count + 1)
        if not self._has_place(said, now):
            return None
        return Told(key=key, name=name, message=message, count=count + 1)

    def named(self, told: Told, name: str) -> None:
        """Remember under which name an Event was created; it counts from one."""
        self._known[told.key] = (name, 1)

    def _folded(self, said: Said, now: datetime) -> tuple[tuple[str, ...], str]:
        group = (said.controller, said.uid, said.kind, said.reason)
        similar = self._similar.get(group)
        if similar is None or (now - similar.last).total_seconds() > SIMILAR_WITHIN:
            similar = self._similar[group] = _Similar(last=now)
        similar.messages.add(said.message)
        similar.last = now
        if not self._settings.event_similar or len(similar.messages) < self._settings.event_similar:
            return (*group, said.message), said.message
        similar.messages.pop()
        return group, f"{FOLDED}{said.message}"

    def _has_place(self, said: Said, now: datetime) -> bool:
        most = self._settings.event_burst
        if not most:
            return True
        places = self._places.setdefault((said.controller, said.uid), _Places(left=most, at=now))
        places.left = min(float(most), places.left + (now - places.at).total_seconds() / REFILL)
        places.at = now
        if places.left < 1:
            return False
        places.left -= 1
        return True
