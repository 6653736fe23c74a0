"""Gate: an environment that was taken back stays there until something newer than what it left comes."""

from bot.actions import Gate
from bot.events import EnvironmentKey
from bot.observing import EnvironmentSeen, Promotion, Release, compare_versions
from handlers.hints import allow
from handlers.undone import still_counts


def judge(key: EnvironmentKey, release: Release, seen: EnvironmentSeen, promotions: tuple[Promotion, ...]) -> Gate:
    """Green without a pin, for a newer release, and for the one taken back once it was allowed again."""
    name, pin = "pin", seen.pin
    if pin is None:
        return Gate(name=name, verdict="green", because=f"{seen.environment} is not pinned")
    stays = f"{seen.environment} was taken back to {pin.release.name} from {pin.instead_of.name}"
    if compare_versions(release.version, pin.instead_of.version) == "newer":
        return Gate(name=name, verdict="green", because=f"{stays}, and {release.name} is newer")
    same = release.id == pin.instead_of.id
    if same and seen.denied(release) is None and not still_counts(pin.since, release, key, promotions):
        return Gate(name=name, verdict="green", because=f"{stays}, and {release.name} was allowed again")
    help_ = f"{allow(key, release.name)} lets it in" if same else "only a newer release may follow"
    return Gate(name=name, verdict="red", because=f"{stays}, and {release.name} is not newer: {help_}")
