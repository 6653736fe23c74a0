"""Who may act on the sandbox GitLab: users, their tokens, and the access levels that members hold."""

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Literal

UserKind = Literal["human", "project_bot", "group_bot", "service_account"]
Scope = Literal[
    "api", "read_api", "read_user", "read_repository", "write_repository", "read_registry", "write_registry", "sudo"
]


class AccessLevel(IntEnum):
    """Member access levels by GitLab's numbers (GitLab docs: api/members)."""

    NO_ACCESS = 0
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50
    ADMIN = 60


@dataclass(slots=True, kw_only=True)
class User:
    """One account; `kind` tells people from the bot users that project and group access tokens bring with them."""

    id: int
    username: str
    name: str
    email: str
    admin: bool = False
    kind: UserKind = "human"
    state: str = "active"

    @property
    def bot(self) -> bool:
        return self.kind != "human"


@dataclass(slots=True, kw_only=True)
class Token:
    """A credential of one user, limited by scopes and, for project tokens, to one project."""

    id: int
    user: User
    value: str
    scopes: frozenset[str]
    kind: Literal["personal", "project"] = "personal"
    name: str = "token"
    project_id: int | None = None
    revoked: bool = False
    expires_on: date | None = None


@dataclass(slots=True, kw_only=True)
class Group:
    """A top-level namespace whose members are members of each project in it."""

    id: int
    path: str
    name: str
    members: dict[int, AccessLevel] = field(default_factory=dict)
