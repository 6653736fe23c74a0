"""A version that nobody knows is answered with those there are, the nearest first."""

from difflib import get_close_matches

from bot.actions import Refused
from handlers.chatops.facts import World

SHOWN = 5


def nearest_version(version: str, world: World) -> Refused:
    """The refusal of an unknown version."""
    known = list(dict.fromkeys(record.release.name for record in world.releases))
    close = get_close_matches(version, known, n=3, cutoff=0.6)
    do = f"Did you mean {' or '.join(close)}?" if close else f"There is {', '.join(known[:SHOWN]) or 'none yet'}."
    return Refused(
        code="unknown_name",
        rule=f"the version must be a release of {world.key.application}",
        found=f"{version} is none",
        next=do,
    )
