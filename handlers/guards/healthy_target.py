"""Guard: there is a release that was healthy in this very environment, it is older, and Git can say it there."""

from bot.actions import Gate
from bot.observing import Release, compare_versions
from config.policy import EnvironmentPolicy
from handlers.rollback_cases import Case


def judge(case: Case, environment: EnvironmentPolicy) -> Gate:
    """Red without one; a newer one was left by a person on purpose, and only a person goes there again.

    What image automation wrote beside the release file made nobody leave anything.
    """
    name, place = "healthy target", case.key.environment
    if case.back_to is None:
        because = f"no other release was healthy in {place} that is not denied: promote one or mend {case.bad.name}"
        return Gate(name=name, verdict="red", because=because)
    newer = compare_versions(case.back_to.version, case.bad.version) == "newer"
    if newer and case.request is None and case.came == "merged":
        because = f"{case.back_to.name} was healthy in {place}, but it is newer than {case.bad.name}: a person left it"
        return Gate(name=name, verdict="red", because=because)
    if lacks := without_image(case.back_to, environment):
        return Gate(name=name, verdict="red", because=f"{case.back_to.name} was healthy in {place}, but {lacks}")
    return Gate(name=name, verdict="green", because=f"{case.back_to.name} was healthy in {place}")


def without_image(release: Release, environment: EnvironmentPolicy) -> str:
    """Which position the release has no image for, as when the application got one more since; empty for none."""
    images = {image.name for image in release.images}
    position = next((one for one in environment.positions if one.of not in images), None)
    return f"it has no image {position.of}, which stands in {position.file} now" if position else ""
