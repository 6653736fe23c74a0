"""A command is bound to what its author saw: a release or change that came in between is not what was meant."""

from bot.actions import Refused
from bot.observing import Command
from handlers.chatops.facts import World

BOUND = frozenset({"approve", "reject", "cancel"})
"""Verbs that say something of the one promotion that is open."""


def moved(command: Command, world: World) -> Refused | None:
    """None while the promotion is the one that was there when the command was said."""
    said = command.heard.said
    if said is None or said.verb not in BOUND:
        return None
    bound, promotion = command.bound, world.open_promotion
    if promotion is None:
        return None
    now = promotion.release
    if bound.release_id != now.id:
        found = f"it was said of {bound.release or 'nothing'}, and {now.name} waits now"
        return refusal(found)
    if bound.change and world.change and bound.change != world.change:
        return refusal(f"what {now.name} changes in Git is not what it was")
    return None


def refusal(found: str) -> Refused:
    """The answer to a command that came too late."""
    rule = "a command holds for the release and the change that were there when it was said"
    return Refused(code="release_changed", rule=rule, found=found, next="Look again, and say it anew.")
