"""The policy each tenant is decided by is the journal's: a restart, and every replica, decides as the last one did."""

from bot.journal import Journal
from bot.tenants import Tenants
from config.policy import Policy


class Recall:
    """Brings the policies in memory up to what the journal last learned; a look costs one read."""

    def __init__(self, journal: Journal, tenants: Tenants) -> None:
        self._journal = journal
        self._tenants = tenants
        self._known: dict[str, str] = {}

    async def all(self) -> None:
        """Every tenant's policy."""
        for tenant in self._tenants:
            await self.one(tenant.name)

    async def one(self, tenant: str) -> None:
        """One tenant's policy; nothing happens before a good one was learned."""
        record = await self._journal.tenant(tenant)
        if record is None or not record.policy_sha or record.policy_sha == self._known.get(tenant):
            return
        body = await self._journal.document(record.policy_sha)
        self._tenants.learn(tenant, Policy.model_validate_json(body))
        self._known[tenant] = record.policy_sha
