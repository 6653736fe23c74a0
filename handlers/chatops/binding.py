"""A command is bound to what its author saw: a release or change that came in between is not what was meant."""

from bot.actions import Refused
from bot.observing import Bound, Command, Promotion
from handlers.chatops.facts import World

ABOUT_IT = frozenset({"approve", "reject"})
"""Verbs that say something of the one promotion that is open."""


def moved(command: Command, world: World) -> Refused | None:
    """None while what the command is about is what was there when it was said."""
    said, bound, open_now = command.heard.said, command.bound, world.open_promotion
    verb, unnamed = (said.verb, not said.version) if said else ("", False)
    if verb == "rollback" and unnamed and landed_meanwhile(bound, world):
        return refusal(f"{bound.release} was waiting, and was merged meanwhile")
    if verb == "promote" and unnamed and bound.release_id:
        return same_release(bound, open_now)
    if verb == "cancel" and bound.release_id and open_now is not None:
        return same_release(bound, open_now)
    if verb in ABOUT_IT and open_now is not None:
        return same_release(bound, open_now) or same_change(verb, bound, world)
    return None


def landed_meanwhile(bound: Bound, world: World) -> bool:
    """Whether Git declares what only waited when the command was said."""
    declared = world.seen.declared
    return declared is not None and declared.id == bound.release_id


def same_release(bound: Bound, open_now: Promotion | None) -> Refused | None:
    """The promotion that waits is of the release that waited then."""
    if open_now is not None and open_now.release.id == bound.release_id:
        return None
    now = f"{open_now.release.name} waits now" if open_now else "it does not wait any more"
    return refusal(f"it was said of {bound.release or 'nothing'}, and {now}")


def same_change(verb: str, bound: Bound, world: World) -> Refused | None:
    """A yes holds for what was seen to change; a no is as good for a change that was not known yet."""
    if bound.change == world.change or (verb != "approve" and not bound.change):
        return None
    if not bound.change:
        return refusal(f"what {bound.release} changes in Git was not known yet")
    return refusal(f"what {bound.release} changes in Git is not what it was")


def refusal(found: str) -> Refused:
    """The answer to a command that came too late."""
    rule = "a command holds for the release and the change that were there when it was said"
    return Refused(code="release_changed", rule=rule, found=found, next="Look again, and say it anew.")
