"""Turns of phrase that several messages share."""

from datetime import UTC, datetime

from bot.keys import EnvironmentKey
from bot.messages.harmless import Harmless, hidden, one_line

LONGEST_SUBJECT = 72
LONGEST_TITLE = 255
"""GitLab 19, merge requests API: `title` is a string of at most 255 characters (issues the same)."""


def reason(because: str) -> str:
    """A reason as the end of a sentence that brings its own full stop."""
    return because.rstrip(". ")


def cut(text: str, longest: int) -> Harmless:
    """A harmless line cut where it is too long; what made it harmless stays in it."""
    return Harmless(text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…")


def moment(at: datetime) -> str:
    """A moment to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def environment_label(key: EnvironmentKey) -> str:
    """The label to filter by. One colon: two would make a scoped label, a paid feature."""
    # GitLab takes labels as one text parted by commas (merge requests API, `labels`).
    return f"environment: {one_line(key.environment).replace(',', ' ')}"


def allow_command(key: EnvironmentKey, version: str) -> Harmless:
    """What a person types so that a release may come back."""
    names = " ".join(hidden(name) for name in (key.application, key.environment, version))
    return Harmless(f'`sluice allow {names} --reason "…"`')


def mentions(people: tuple[str, ...]) -> Harmless:
    """GitLab user names that shall be told, with commas; the policy lets only such names through."""
    return Harmless(", ".join(f"@{hidden(name)}" for name in people))
