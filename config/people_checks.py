"""What the policy's blocks about people and freezes may say; what the machine does not heed yet is refused by name."""

from collections.abc import Iterator

from config.access import PeopleForm
from config.located import Finding, Location
from config.policy_form import PolicyForm


def not_available(policy: PolicyForm) -> Iterator[Finding]:
    """What nothing heeds yet must not look as if it protected something."""
    if policy.freezes:
        yield _refused(("freezes",))
    for path, people in _people(policy):
        if people.code_owners:
            yield _refused((*path, "code_owners"))


def _people(policy: PolicyForm) -> Iterator[tuple[Location, PeopleForm]]:
    """Every place where people are named."""
    for number, grant in enumerate(policy.access or ()):
        yield ("access", number), grant
    for name, environment in policy.environments.items():
        yield ("environments", name, "approvals", "from"), environment.approvals.from_
    for name, application in policy.applications.items():
        for place, override in application.environments.items():
            if override.approvals is not None:
                path: Location = ("applications", name, "environments", place, "approvals", "from")
                yield path, override.approvals.from_


def _refused(path: Location) -> Finding:
    return Finding(
        path=path,
        at_key=True,
        code="not-available",
        what=f"{path[-1]} is not available yet",
        why="nothing heeds it, and a rule that only looks like one is worse than none",
        do="Leave it out.",
    )
