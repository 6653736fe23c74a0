"""What the journal remembers of releases, promotions and environments (vocabulary; the tables are its own)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.keys import EnvironmentKey
from bot.releases import Release

Health = Literal["unknown", "progressing", "healthy", "failed"]
"""Unknown is never healthy."""

PromotionState = Literal[
    "waiting",
    "ready",
    "merging",
    "applied",
    "done",
    "superseded",
    "declined",
    "denied",
    "failed",
    "rolled_back",
    "bypassed",
    "downgraded",
    "withdrawn",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release as it was first seen. baseline: it was there at first sight and never moves by itself."""

    release: Release
    first_seen: datetime
    baseline: bool = False
    tag_moved: bool = False


def promotion_id(key: EnvironmentKey, release: Release, attempt: int) -> str:
    """20 hex digits: the same promotion gets the same name whoever names it, so a repeated run makes no second one."""
    return hashlib.sha256(f"{key}#{release.id}#{attempt}".encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One release on its way into one environment (design section 3).

    id: stable for (environment, release, attempt). merge_request: its iid in the config project.
    merged_revision: the config commit that landed it. healthy_at: when it was first healthy there, in all clusters.
    """

    id: str
    key: EnvironmentKey
    release: Release
    state: PromotionState
    because: str
    opened_at: datetime
    updated_at: datetime
    merge_request: int | None = None
    merged_revision: str = ""
    healthy_at: datetime | None = None
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentState:
    """What one cluster of an environment was last seen running. ever_healthy: this release was healthy here once."""

    key: EnvironmentKey
    cluster: str
    release_id: str
    version: str
    revision: str
    health: Health
    ever_healthy: bool
    because: str
    since: datetime


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Carried:
    """An application in an environment as a Flux object carries it: its images at the applied revision, and health."""

    application: str
    environment: str
    tenant: str
    images: tuple[str, ...]
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """A Flux object as last looked at; equal states mean that no application needs a look."""

    carried: tuple[Carried, ...]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class MergeRequestMark:
    """An open merge request of ours as a list shows it: enough to see that it moved. updated_at: GitLab's text."""

    iid: int
    branch: str
    updated_at: str
