"""What a config repository says as a whole: its policy, its installation, and our open merge requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.errors import PermanentError
from bot.journal import Journal
from bot.looking.git_truth import GitTruth
from bot.looking.gitlab_truth import GitLabTruth
from bot.observing import ConfigurationSeen
from bot.tenants import Tenant
from config.policy import Policy


@dataclass(slots=True)
class ConfigurationTruth:
    """Reads config repositories and compares them with what the journal knows."""

    journal: Journal
    gitlab: GitLabTruth
    git: Mapping[str, GitTruth]
    grant: Callable[[str, Policy], None]
    """Raises PermanentError for a policy that reaches further than the operator granted its tenant."""

    async def read(self, tenant: Tenant, head: str, policy: Policy) -> ConfigurationSeen:
        """The repository at `head`; `policy` is the one in force."""
        git = self.git[tenant.name]
        known = await self.journal.tenant(tenant.name)
        known_head = known.head if known else ""
        known_policy = policy.document if known and known.policy_sha else ""
        text, fault = await self._policy(git, head)
        return ConfigurationSeen(
            head=head,
            known_head=known_head,
            policy=text,
            known_policy=known_policy,
            fault=fault,
            changed=await self._changed(git, known_head, head),
            install=await git.install(head),
            known_install=known.install if known else "",
            installation=self.journal.installation_id,
            adoption_asked_by=known.adoption_asked_by if known else "",
            merge_requests=await self.gitlab.marks(tenant.config_project),
            known_merge_requests=known.merge_requests if known else (),
        )

    async def _policy(self, git: GitTruth, head: str) -> tuple[str, str]:
        """(JSON, empty) or (empty, what is wrong with it)."""
        try:
            policy = await git.policy(head)
            self.grant(git.tenant.name, policy)
            return policy.document, ""
        except PermanentError as error:
            return "", str(error)

    async def _changed(self, git: GitTruth, before: str, after: str) -> tuple[str, ...] | None:
        if not before or not await git.has(before):
            return None
        return tuple(sorted(await git.mirror.changed_paths(before, after)))
