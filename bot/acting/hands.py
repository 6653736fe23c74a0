"""What an effect is given: the outside systems, and a way to say "about to write" that the fence can refuse."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.acting.breaker import Breaker
from bot.clients.git import Fence, GitMirror
from bot.clients.gitlab.api import GitLabAPI
from bot.looking.git_truth import GitTruth
from bot.tenants import Tenant
from config.policy import Policy

AboutToWrite = Callable[[], Awaitable[None]]


class Repository(Protocol):
    """What is needed to say how files change: the policy, and the config repository to read them from."""

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        ...

    @property
    def git(self) -> GitTruth:
        """The repository."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """One piece of work's access to a tenant's world. `api` calls `about_to_write` before each write by itself.

    now: of the decision, so that commits made from it are the same however often they are made.
    known_id: the external id that an earlier write under the same natural key was given.
    write_takes: the longest that one write may take after `about_to_write`.
    """

    tenant: Tenant
    policy: Policy
    api: GitLabAPI
    git: GitTruth
    mirror: GitMirror
    about_to_write: AboutToWrite
    write_takes: timedelta
    now: datetime
    known_id: str
    public_url: str
    breaker: Breaker

    @property
    def fence(self) -> Fence:
        """What a push is held to: it waits for the mirror, is allowed last, and is over before the claim can end."""
        return Fence(before_write=self.about_to_write, within=self.write_takes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an effect found or made. wrote: something changed outside."""

    external_id: str
    wrote: bool
