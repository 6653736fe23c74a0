"""Whom this installation serves: each tenant's config repository, what it may govern, and the policy in force."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from config.grants import matches
from config.policy import Policy

NO_POLICY = Policy.model_construct(version=1, mode="observe", environments={}, applications={}, limits=())
"""What is decided by before a policy was learned: it governs nothing, which no written policy may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A config project and the operator's grant: the application projects its policy may speak of.

    projects: patterns of full paths as in the settings (`*` one level, `**` all below). What else the grant bounds
    is checked once, when a policy is learned.
    """

    name: str
    config_project: str
    branch: str
    projects: tuple[str, ...]

    def may_govern(self, project: str) -> bool:
        """Whether the grant covers a GitLab project, by its full path."""
        return any(matches(pattern, project) for pattern in self.projects)


class Tenants:
    """The tenants with the policy each is decided by now."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._policies: dict[str, Policy] = {}

    def __iter__(self) -> Iterator[Tenant]:
        return iter(self._tenants.values())

    def get(self, name: str) -> Tenant | None:
        """The tenant, None when the operator no longer configures it."""
        return self._tenants.get(name)

    def policy(self, name: str) -> Policy:
        """The policy in force; NO_POLICY until one was learned."""
        return self._policies.get(name, NO_POLICY)

    def learn(self, name: str, policy: Policy) -> None:
        """Decide by this policy from now on."""
        self._policies[name] = policy

    def by_config_project(self, project: str) -> tuple[Tenant, ...]:
        """The tenants whose config repository this project is (GitLab compares paths without case)."""
        return tuple(tenant for tenant in self if tenant.config_project.lower() == project.lower())

    def policies(self) -> Mapping[str, Policy]:
        """Every tenant's policy in force, by tenant."""
        return {tenant.name: self.policy(tenant.name) for tenant in self}
