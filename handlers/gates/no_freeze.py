"""Gate: nothing is promoted into a frozen environment, whoever froze it; what has failed is still taken back."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Gate
from bot.observing import Freeze, FreezeWindow

NAME = "no freeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frost:
    """One reason why an environment is frozen. until: None for "until somebody thaws it"."""

    because: str
    until: datetime | None


def judge(freezes: tuple[Freeze, ...], windows: tuple[FreezeWindow, ...], now: datetime) -> Gate:
    """Waiting for what ends by itself, red for what a person must end; the one that lasts longest is told.

    freezes: what people froze by command. windows: what calendars say, the policy's and GitLab's.
    """
    frozen = [*map(by_command, freezes), *map(by_calendar, (window for window in windows if window.since <= now))]
    standing = [frost for frost in frozen if frost.until is None or now < frost.until]
    if not standing:
        return Gate(name=NAME, verdict="green", because="it is not frozen")
    longest = max(standing, key=lambda frost: (frost.until is None, frost.until.timestamp() if frost.until else 0.0))
    if longest.until is None:
        return Gate(name=NAME, verdict="red", because=longest.because)
    until = f"until {longest.until:%Y-%m-%d %H:%M:%S} UTC"
    return Gate(name=NAME, verdict="waiting", because=f"{longest.because} ({until})")


def by_command(freeze: Freeze) -> Frost:
    """What a person froze, with the command that ends it."""
    because = f"{freeze.principal} froze {freeze.environment}: {freeze.because}"
    help_ = "" if freeze.until else f"; `/sluice thaw {freeze.environment}` ends it"
    return Frost(because=f"{because}{help_}", until=freeze.until)


def by_calendar(window: FreezeWindow) -> Frost:
    """What a calendar says, with whose it is."""
    whose = "the policy" if window.source == "policy" else f"a deploy freeze of {window.source}"
    return Frost(because=f"{whose} freezes {window.environment}: {window.because}", until=window.until)
