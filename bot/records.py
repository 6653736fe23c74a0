"""What the journal remembers of releases, promotions and environments (vocabulary; the tables are its own)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.keys import EnvironmentKey
from bot.releases import Image, Release

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


FailureKind = Literal["measured", "no-data", "unknown"]
"""measured: somebody measured that the release is bad; only this denies it. no-data: the analysis had nothing to
measure, so the release is inconclusive. unknown: it failed, and nobody can tell whether by its own fault."""

FailureCause = Literal["canary", "health_check", "reconciliation", "person", "automation"]
"""What ended the roll-out: a canary's analysis, Flux's health check, Flux's apply, or a person's request.
automation: nothing did; image automation wrote over a rollback what stays out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a release failed in an environment, as first seen.

    evidence: what it was read from, so that the same observation is never taken for another release's failure:
    `canary <cluster>/<namespace>/<name> <CanarySeen.spec>` or `kustomization <cluster>/<namespace>/<name> <revision>`.
    at: when the bot first saw it.
    """

    kind: FailureKind
    cause: FailureCause
    evidence: str
    because: str
    at: datetime


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
    failure: Failure | None = None
    change: str = ""
    """What its open merge request changes in Git (`MergeRequestSeen.change`), as last seen."""
    asked_again_at: datetime | None = None
    """When a person allowed the release again after it had ended badly, or an inconclusive one was let try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What `.sluice/pins/<environment>/<application>.yaml` says: the environment stays at `release`.

    instead_of: the release that was taken back; a newer one than this, proven before, lifts the pin.
    by: `sluice`, or the principal who asked for the rollback.
    """

    release: Release
    instead_of: Release
    failure: FailureKind
    since: datetime
    because: str
    by: str


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Denial:
    """One line of `.sluice/denials/<environment>/<application>.yaml`: a digest that does not come back by itself.

    incident: the natural name of the incident, `<environment>/<application>/<version>`.
    """

    image: Image
    version: str
    since: datetime
    because: str
    incident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing is promoted into the environment while it stands. until: None for "until somebody lifts it"."""

    key: EnvironmentKey
    principal: str
    because: str
    since: datetime
    until: datetime | None = None


RequestKind = Literal["rollback", "allow", "promote", "retry", "cancel", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for by a command, until a rule has dealt with it.

    version: rollback: the release to take back (empty: the one that Git declares). allow: the denied one. promote: the
    one to bring (empty: the newest). deny: a person's rollback denies the release too. skip, override: environments
    and gates that a promotion passes over. replace: instead of what was asked for before.
    account: the GitLab user id of who asked, empty for a token. release_id: the very release that was meant; empty in
    requests of a door that knows versions only.
    """

    id: str
    key: EnvironmentKey
    kind: RequestKind
    principal: str
    because: str
    at: datetime
    version: str = ""
    deny: bool = False
    skip: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    replace: bool = False
    account: str = ""
    release_id: str = ""


CanaryGateName = Literal["confirm-rollout", "confirm-traffic-increase", "confirm-promotion", "rollback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryGate:
    """A stored answer to one of Flagger's questions, good only for exactly these images (failures F16).

    canary: `<namespace>/<name>`. images: what the target Deployment must carry for `open` to count, as
    `name:tag`/`name@digest` references sorted. For `rollback`, open means: roll back now.
    """

    cluster: str
    canary: str
    gate: CanaryGateName
    images: tuple[str, ...]
    open: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedGate:
    """A stored answer with the moment it was stored, because some answers expire."""

    gate: CanaryGate
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryMessage:
    """A sentence of Flagger's as its `event` hook brought it.

    canary: `<namespace>/<name>`. at: when Flagger last said it, in whole milliseconds. type: `Normal` or `Warning`.
    phase: of the canary when the tick began that said it.
    """

    cluster: str
    canary: str
    at: datetime
    phase: str
    type: str
    message: str


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
