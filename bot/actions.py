"""What may be wanted: a Decision is a list of actions and one sentence saying why.

Actions are data. Those under `Outside` change GitLab or Git; the executor writes them under `effect_key`,
their natural key (design section 8). The others are recorded in the journal together with the run.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import TypeAdapter

from bot.answers import Answer as Answer
from bot.answers import Code as Code
from bot.answers import DiffTold as DiffTold
from bot.answers import Helped as Helped
from bot.answers import HelpLine as HelpLine
from bot.answers import Refused as Refused
from bot.answers import StandingLine as StandingLine
from bot.answers import StatusTold as StatusTold
from bot.answers import Told as Told
from bot.answers import WhoAmI as WhoAmI
from bot.answers import WhoCan as WhoCan
from bot.answers import WhyLine as WhyLine
from bot.answers import WhyTold as WhyTold
from bot.commanding import Emoji as Emoji
from bot.commanding import KeepApproval as KeepApproval
from bot.commanding import KeepFreeze as KeepFreeze
from bot.commanding import KeepHold as KeepHold
from bot.commanding import LiftHolds as LiftHolds
from bot.commanding import MarkTold as MarkTold
from bot.commanding import OpenRequest as OpenRequest
from bot.commanding import React as React
from bot.commanding import RedeemCode as RedeemCode
from bot.commanding import Reply as Reply
from bot.commanding import RevokeApprovals as RevokeApprovals
from bot.commanding import SettleCommand as SettleCommand
from bot.commanding import Thaw as Thaw
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey, Key, SourceKey
from bot.records import EnvironmentState, MergeRequestMark, Promotion, ReleaseRecord, SourceState
from bot.releases import Release
from bot.undoing import LiftPin as LiftPin
from bot.undoing import MergeRollback as MergeRollback
from bot.undoing import OpenIncident as OpenIncident
from bot.undoing import PlaceTag as PlaceTag
from bot.undoing import RecordCanaryGates as RecordCanaryGates
from bot.undoing import RevokeDenial as RevokeDenial
from bot.undoing import RollBack as RollBack
from bot.undoing import SettleRequest as SettleRequest
from bot.undoing import TellPromotion as TellPromotion
from bot.undoing import TellSource as TellSource
from bot.undoing import Way as Way

Verdict = Literal["green", "waiting", "red"]
StatusState = Literal["running", "success", "failed", "pending"]
DeploymentState = Literal["running", "success", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition of a promotion. waiting: time or a person heals it; red: it stands against it."""

    name: str
    verdict: Verdict
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A commit of the change list, as the merge request shows it."""

    sha: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePromotion:
    """The branch carries the release file and the image edit, and one merge request asks for it.

    onto: the config revision to build on; empty keeps the branch as it is and only refreshes the merge request.
    """

    key: EnvironmentKey
    release: Release
    replaces: Release | None
    draft: bool
    changes: tuple[Line, ...]
    changes_url: str
    because: str
    rebuild: bool

    @property
    def effect_key(self) -> str:
        return f"merge-request:{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishGates:
    """The blocking commit status `sluice/gates` on the head of a promotion's merge request."""

    key: EnvironmentKey
    sha: str
    ref: str
    pipeline_id: int | None
    state: StatusState
    because: str

    @property
    def effect_key(self) -> str:
        return f"status:{self.key.tenant}:{self.sha}:{self.ref}:sluice/gates"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSticky:
    """The one sticky note of a promotion's merge request: state and the table of gates."""

    key: EnvironmentKey
    merge_request: int
    release: Release
    state: str
    gates: tuple[Gate, ...]
    because: str

    @property
    def effect_key(self) -> str:
        return f"note:{self.key.tenant}:{self.merge_request}:promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePromotion:
    """Merge the merge request if its head is still `sha`."""

    key: EnvironmentKey
    merge_request: int
    sha: str
    release: Release
    because: str

    @property
    def effect_key(self) -> str:
        return f"merge:{self.key.tenant}:{self.merge_request}:{self.sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePromotion:
    """Close a merge request nobody needs any more; `because` becomes a note on it, `instead` the link."""

    key: EnvironmentKey
    merge_request: int
    because: str
    instead: int | None

    @property
    def effect_key(self) -> str:
        return f"close:{self.key.tenant}:{self.merge_request}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCommitStatus:
    """The commit status `name` on an application commit (design section 5: from roll-out on, never pending)."""

    key: EnvironmentKey
    project: str
    sha: str
    ref: str
    pipeline_id: int | None
    name: str
    state: Literal["running", "success", "failed"]
    because: str

    @property
    def effect_key(self) -> str:
        return f"status:{self.project}:{self.sha}:{self.ref}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteDeployment:
    """GitLab's deployment of an application commit in an environment, one for each promotion."""

    key: EnvironmentKey
    project: str
    environment: str
    tier: str | None
    sha: str
    ref: str
    tag: bool
    promotion: str
    opened_at: datetime
    state: DeploymentState
    because: str

    @property
    def effect_key(self) -> str:
        return f"deployment:{self.project}:{self.environment}:{self.sha}:{self.promotion}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteInstall:
    """The installation's identity in `.sluice/install`, by which a journal may act on this config repository."""

    key: ConfigKey
    installation: str
    asked_by: str
    because: str

    @property
    def effect_key(self) -> str:
        return f"install:{self.key.tenant}:{self.installation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRelease:
    """A release is known from now on."""

    key: ApplicationKey
    record: ReleaseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBaseline:
    """The first sight of an application: what is there does not move by itself."""

    key: ApplicationKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPromotion:
    """Where a promotion stands."""

    promotion: Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEnvironment:
    """What a cluster of an environment runs, and how it is."""

    state: EnvironmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSource:
    """What a Flux object was last seen to carry."""

    key: SourceKey
    state: SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnConfiguration:
    """The config repository as it was last looked at; `policy` is the JSON to decide by from now on."""

    key: ConfigKey
    head: str
    policy: str
    merge_requests: tuple[MergeRequestMark, ...]
    install: str
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """Other keys need a look because of this one."""

    keys: tuple[Key, ...]
    because: str


Outside = (
    ProposePromotion
    | PublishGates
    | WriteSticky
    | MergePromotion
    | ClosePromotion
    | WriteCommitStatus
    | WriteDeployment
    | WriteInstall
    | RollBack
    | MergeRollback
    | LiftPin
    | RevokeDenial
    | PlaceTag
    | OpenIncident
    | TellPromotion
    | TellSource
    | React
    | Reply
)
Inside = (
    RecordRelease
    | RecordBaseline
    | RecordPromotion
    | RecordEnvironment
    | RecordSource
    | LearnConfiguration
    | LookAgain
    | SettleRequest
    | RecordCanaryGates
    | KeepApproval
    | RevokeApprovals
    | KeepHold
    | LiftHolds
    | KeepFreeze
    | Thaw
    | RedeemCode
    | OpenRequest
    | SettleCommand
    | MarkTold
)
Action = Outside | Inside

# `because` explains and does not distinguish: the same effect for another reason is the same effect.
_OUTSIDE: TypeAdapter[Outside] = TypeAdapter(Outside)


def digest(action: Outside) -> str:
    """64 hex digits naming what is wanted: equal for two actions that would write the same thing."""
    named = type(action).__name__.encode() + _OUTSIDE.dump_json(action, exclude={"because"})
    return hashlib.sha256(named).hexdigest()


DecisionKind = Literal["act", "skip", "wait", "hold", "would"]
"""would: the mode of the environment forbids acting, and this is what would have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a rule wants, and why. look_again: the waiting is looked at anew after this time at the latest.

    gates: the conditions that were judged on the way, for whoever asks why; they add nothing to the actions.
    """

    kind: DecisionKind
    because: str
    actions: tuple[Action, ...] = ()
    look_again: timedelta | None = None
    gates: tuple[Gate, ...] = ()


def act(*actions: Action, because: str, look_again: timedelta | None = None, gates: tuple[Gate, ...] = ()) -> Decision:
    """Something is to be done."""
    return Decision(kind="act", because=because, actions=actions, look_again=look_again, gates=gates)


def skip(*records: Inside, because: str) -> Decision:
    """Nothing is to be done outside; `records` may still be kept."""
    return Decision(kind="skip", because=because, actions=records)


def wait(*actions: Action, because: str, look_again: timedelta | None = None, gates: tuple[Gate, ...] = ()) -> Decision:
    """Somebody or some time is waited for; `actions` show the waiting."""
    return Decision(kind="wait", because=because, actions=actions, look_again=look_again, gates=gates)


def would(*records: Inside, because: str, gates: tuple[Gate, ...] = ()) -> Decision:
    """The mode forbids it: say what would have been done, do nothing outside."""
    return Decision(kind="would", because=because, actions=records, gates=gates)
