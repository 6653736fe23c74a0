"""Guard: there is a release that was healthy in this very environment, and it is older."""

from bot.actions import Gate
from bot.observing import compare_versions
from handlers.rollback_cases import Case


def judge(case: Case) -> Gate:
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
    return Gate(name=name, verdict="green", because=f"{case.back_to.name} was healthy in {place}")
