"""Who commands: the account as GitLab knows it at this moment, never as a message says.

Sources: GitLab "Users API" (`state`, `bot`), "Members API" (`members/all`: inherited and invited ones too), 18.x.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from bot.clients.gitlab import reads
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.emoji import NOTEABLES
from bot.commanded import Approval, Caller, Command, NoteSeen, Place, Principal, Role
from bot.journal import Journal
from bot.keys import EnvironmentKey
from bot.looking.involved import Authorship
from bot.seen import MergeRequestSeen
from bot.tenants import Tenant
from config.policy import Policy

ROLES: dict[int, Role] = {
    0: "none",
    5: "minimal",
    10: "guest",
    15: "planner",
    20: "reporter",
    30: "developer",
    40: "maintainer",
    50: "owner",
}
TOKEN_USER = re.compile(r"(project|group)_\d+_bot(_[0-9a-f]+)?")
"""How GitLab names the account of a project or group access token (docs, "Bot users for projects")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Reads accounts, members and notes. ours: the APIs of every account that the bot acts as."""

    journal: Journal
    api: GitLabAPI
    ours: tuple[GitLabAPI, ...]
    authorship: Authorship

    async def caller(self, command: Command, tenant: Tenant, policy: Policy) -> Caller:
        """The principal with all that rules ask about; a linked chat account is who it is linked to."""
        return await self._account(await self._known(command), project_of(command, tenant, policy), policy)

    async def approvals(
        self, key: EnvironmentKey, request: MergeRequestSeen, since: datetime, tenant: Tenant, policy: Policy
    ) -> tuple[Approval, ...]:
        """GitLab's approvals of a merge request, given since a moment; each with its giver as they are now."""
        found = await reads.approvals(self.api, tenant.config_project, request.iid)
        project = policy.applications[key.application].project
        release = request.proposes.id if request.proposes else ""
        approvals: list[Approval] = []
        for one in found.approved_by:
            if one.approved_at is None or one.approved_at < since:
                continue
            principal = Principal(kind="gitlab", id=str(one.user.id), name=one.user.username)
            by = await self._account(principal, project, policy)
            approvals.append(
                Approval(
                    key=key,
                    release_id=release,
                    change=request.change,
                    principal=by.principal,
                    door="note",
                    at=one.approved_at,
                    by=by,
                )
            )
        return tuple(approvals)

    async def _account(self, principal: Principal, project: str, policy: Policy) -> Caller:
        if principal.kind != "gitlab":
            return Caller(principal=principal)
        user = await reads.user(self.api, principal.id)
        if user is None:
            return Caller(principal=principal, found=False)
        caller = Caller(
            principal=replace(principal, name=user.username),
            active=user.state == "active",
            is_bot=user.bot or TOKEN_USER.fullmatch(user.username) is not None,
            ours=user.id in await self._own(),
        )
        if caller.ours or caller.is_bot or not caller.active:
            return caller
        groups = [group for group in groups_of(policy) if await self._is_member(group, principal.id)]
        return replace(caller, role=await self._role(project, user.id), groups=tuple(groups))

    async def note(self, place: Place) -> NoteSeen | None:
        """The note as it reads now; a commit's or snippet's is not looked at again, and counts as gone."""
        noteable = NOTEABLES.get(place.noteable)
        if noteable is None:
            return None
        found = await reads.note(self.api, place.project, noteable, place.iid, place.note)
        if found is None:
            return None
        return NoteSeen(author=str(found.author.id), words=sha256(found.body.encode()).hexdigest(), edited=False)

    async def _known(self, command: Command) -> Principal:
        principal = command.heard.principal
        if principal.kind != "chat":
            return principal
        link = await self.journal.account_link(command.heard.place.chat, principal.id)
        return link.principal if link else principal

    async def _own(self) -> frozenset[int]:
        return frozenset([(await reads.own_user(api)).id for api in self.ours])

    async def _role(self, project: str, user_id: int) -> Role:
        member = await reads.member(self.api, project, user_id)
        if member is None or member.state not in ("", "active"):
            return "none"
        return ROLES[max(level for level in ROLES if level <= member.access_level)]

    async def _is_member(self, group: str, user_id: str) -> bool:
        member = await reads.group_member(self.api, group, user_id)
        return member is not None and member.state in ("", "active")


def project_of(command: Command, tenant: Tenant, policy: Policy) -> str:
    """Where the role counts: the application's project, else the config repository."""
    application = policy.applications.get(command.heard.application)
    return application.project if application else tenant.config_project


def groups_of(policy: Policy) -> tuple[str, ...]:
    """Every group that the policy names, each once."""
    granted = [group for grant in policy.access or () for group in grant.groups]
    approving = [group for form in policy.environments.values() for group in form.approvals.from_.groups]
    overriding = [
        group
        for application in policy.applications.values()
        for override in application.environments.values()
        if override.approvals
        for group in override.approvals.from_.groups
    ]
    return tuple(dict.fromkeys([*granted, *approving, *overriding]))
