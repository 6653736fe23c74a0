"""Gate: the release contains what runs in the target, so that no commit is lost by promoting it."""

from bot.actions import Gate
from bot.observing import Comparison, Release, compare_versions

SHOWN = 3
"""How many lost commits a sentence names."""


def judge(release: Release, running: Release | None, comparison: Comparison | None) -> Gate:
    """Red when the application's history says that commits would be lost (design section 3)."""
    name = "loses nothing"
    if running is None:
        return Gate(name=name, verdict="green", because="nothing runs there yet")
    if comparison is None and compare_versions(release.version, running.version) != "newer":
        because = f"{release.name} is not newer than {running.name}, and what it would lose is unknown"
        return Gate(name=name, verdict="red", because=because)
    if comparison is None:
        because = f"the commits of {running.name} and {release.name} are not both known, so only versions were compared"
        return Gate(name=name, verdict="green", because=because)
    if not comparison.loses:
        return Gate(name=name, verdict="green", because=f"{release.name} contains {running.name}")
    lost = ", ".join(f"{change.sha[:8]} {change.title}" for change in comparison.loses[:SHOWN])
    because = f"{release.name} would lose {len(comparison.loses)} commits of {running.name}: {lost}"
    return Gate(name=name, verdict="red", because=because)
