"""Gate: no image of the release is denied here; what was measured to be bad comes back only when a person allows it."""

from bot.actions import Gate
from bot.events import EnvironmentKey
from bot.observing import EnvironmentSeen, Release
from handlers.hints import allow


def judge(key: EnvironmentKey, release: Release, seen: EnvironmentSeen) -> Gate:
    """Red for a denied digest, whatever tag or version it comes under."""
    name, denial = "not denied", seen.denied(release)
    if denial is None:
        return Gate(name=name, verdict="green", because=f"{release.name} is not denied in {seen.environment}")
    because = (
        f"{release.name} is denied in {seen.environment} since {denial.since:%Y-%m-%d %H:%M} UTC "
        f"({denial.because}): {allow(key, denial.version)} lets it in"
    )
    return Gate(name=name, verdict="red", because=because)
