"""What the policy's blocks about people and freezes may say; until the machine heeds them they are refused by name."""

from collections.abc import Iterator

from config.access import ApprovalsForm
from config.located import Finding, Location
from config.policy_form import PolicyForm


def not_available(policy: PolicyForm) -> Iterator[Finding]:
    """A block that nothing heeds yet must not look as if it protected something."""
    if policy.access is not None:
        yield _refused(("access",))
    if policy.freezes:
        yield _refused(("freezes",))
    for name, environment in policy.environments.items():
        if environment.approvals != ApprovalsForm():
            yield _refused(("environments", name, "approvals"))
    for name, application in policy.applications.items():
        for place, override in application.environments.items():
            if override.approvals is not None:
                yield _refused(("applications", name, "environments", place, "approvals"))


def _refused(path: Location) -> Finding:
    return Finding(
        path=path,
        at_key=True,
        code="not-available",
        what=f"{path[-1]} is not available yet",
        why="nothing heeds it, and a rule that only looks like one is worse than none",
        do="Leave it out.",
    )
