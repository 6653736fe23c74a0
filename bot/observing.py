"""How rules look: the read-only observer that fetches facts, and a rule as the worker knows it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from bot.actions import Decision
from bot.answers import Explanation as Explanation
from bot.answers import StandingLine as StandingLine
from bot.commanded import AccountLink as AccountLink
from bot.commanded import Approval as Approval
from bot.commanded import Bound as Bound
from bot.commanded import Caller as Caller
from bot.commanded import Command as Command
from bot.commanded import Fault as Fault
from bot.commanded import Freeze as Freeze
from bot.commanded import FreezeWindow as FreezeWindow
from bot.commanded import Heard as Heard
from bot.commanded import Involved as Involved
from bot.commanded import NoteSeen as NoteSeen
from bot.commanded import PersonRole as PersonRole
from bot.commanded import Place as Place
from bot.commanded import Principal as Principal
from bot.commanded import Role as Role
from bot.commanded import Spoken as Spoken
from bot.keys import ApplicationKey, CommandKey, ConfigKey, EnvironmentKey, SourceKey, Subject
from bot.records import CanaryGate as CanaryGate
from bot.records import CanaryGateName as CanaryGateName
from bot.records import Carried as Carried
from bot.records import Denial as Denial
from bot.records import EnvironmentState as EnvironmentState
from bot.records import Failure as Failure
from bot.records import FailureCause as FailureCause
from bot.records import FailureKind as FailureKind
from bot.records import Health as Health
from bot.records import Hold as Hold
from bot.records import MergeRequestMark as MergeRequestMark
from bot.records import Pin as Pin
from bot.records import Promotion as Promotion
from bot.records import PromotionState as PromotionState
from bot.records import ReleaseRecord as ReleaseRecord
from bot.records import Request as Request
from bot.records import SourceState as SourceState
from bot.records import promotion_id as promotion_id
from bot.releases import Image as Image
from bot.releases import Order as Order
from bot.releases import Release as Release
from bot.releases import compare_versions as compare_versions
from bot.seen import CanaryPhase as CanaryPhase
from bot.seen import CanarySeen as CanarySeen
from bot.seen import Change as Change
from bot.seen import ClusterSeen as ClusterSeen
from bot.seen import CommitSeen as CommitSeen
from bot.seen import Comparison as Comparison
from bot.seen import ConfigurationSeen as ConfigurationSeen
from bot.seen import EnvironmentSeen as EnvironmentSeen
from bot.seen import FailureMark as FailureMark
from bot.seen import Installation as Installation
from bot.seen import Marking as Marking
from bot.seen import MergeProof as MergeProof
from bot.seen import MergeRequestSeen as MergeRequestSeen
from bot.seen import ProofVerdict as ProofVerdict
from bot.seen import Rights as Rights
from bot.seen import SelectionSeen as SelectionSeen
from bot.seen import Source as Source
from bot.seen import TagSeen as TagSeen
from bot.verbs import VerbForm as VerbForm
from config.policy import Policy

S_contra = TypeVar("S_contra", bound=Subject, contravariant=True)
F = TypeVar("F")


class Observer(Protocol):
    """The only way a rule looks at the world; every method reads, none writes.

    Raises TemporaryError when something cannot be read now, PermanentError when a person must mend it.
    """

    @property
    def policy(self) -> Policy:
        """The tenant's policy this run decides by."""
        ...

    async def source(self, key: SourceKey) -> Source:
        """The Flux object, and per application and environment what it applied there."""
        ...

    async def configuration(self, key: ConfigKey) -> ConfigurationSeen:
        """The config repository after a fetch."""
        ...

    async def installation(self, tenant: str) -> Installation:
        """Whether `sluice adopt` tied this journal to the config repository."""
        ...

    async def releases(self, key: ApplicationKey) -> tuple[ReleaseRecord, ...]:
        """The releases the journal knows, newest first seen first."""
        ...

    async def has_baseline(self, key: ApplicationKey) -> bool:
        """Whether the first sight of the application was recorded."""
        ...

    async def sightings(self, key: ApplicationKey) -> tuple[Release, ...]:
        """What the environments at the start run now, or what their registry offers."""
        ...

    async def environment(self, key: EnvironmentKey) -> EnvironmentSeen:
        """Git and the clusters."""
        ...

    async def promotions(self, key: ApplicationKey) -> tuple[Promotion, ...]:
        """Every recent promotion of the application, all environments, newest first."""
        ...

    async def environment_states(self, key: EnvironmentKey) -> tuple[EnvironmentState, ...]:
        """What was recorded of each cluster of the environment."""
        ...

    async def merge_request(self, key: EnvironmentKey, iid: int | None) -> MergeRequestSeen | None:
        """The open merge request of the environment's branch, else the one numbered `iid`, else its newest."""
        ...

    async def comparison(self, key: ApplicationKey, running: Release | None, target: Release) -> Comparison | None:
        """The change list between two application commits, None when a commit is unknown."""
        ...

    async def commit(self, key: ApplicationKey, sha: str) -> CommitSeen | None:
        """An application commit and its newest real pipeline, None when GitLab does not have the commit."""
        ...

    async def requests(self, key: EnvironmentKey) -> tuple[Request, ...]:
        """What people asked for here and no rule has dealt with yet, oldest first."""
        ...

    async def holds(self, key: EnvironmentKey) -> tuple[Hold, ...]:
        """Holds that were not lifted; whether one has run out is for the rule to say."""
        ...

    async def command(self, key: CommandKey) -> tuple[Command | None, int]:
        """The oldest command of a thread that nobody dealt with, and how many more wait behind it."""
        ...

    async def ended(self, key: CommandKey) -> tuple[Command, ...]:
        """The thread's requests that a rule settled, and whose end was not told there yet."""
        ...

    async def caller(self, command: Command) -> Caller:
        """Who gave it, as GitLab knows them now."""
        ...

    async def note(self, place: Place) -> NoteSeen | None:
        """The note as GitLab shows it now, None when it is gone."""
        ...

    async def code_lives(self, code: str) -> bool:
        """Whether a chat gave somebody this one-time code, and it was not used or outlived."""
        ...

    async def approvals(self, key: EnvironmentKey) -> tuple[Approval, ...]:
        """What people approved by command here, and did not revoke."""
        ...

    async def native_approvals(self, key: EnvironmentKey, request: MergeRequestSeen) -> tuple[Approval, ...]:
        """GitLab's own approvals that were given for what the merge request is now."""
        ...

    async def involved(self, key: EnvironmentKey, comparison: Comparison | None, request: MergeRequestSeen) -> Involved:
        """The people who made what the comparison brings, and who pushed to the merge request."""
        ...

    async def freeze_windows(self, key: EnvironmentKey) -> tuple[FreezeWindow, ...]:
        """The freezes that a calendar says, the policy's and GitLab's: those of now and the next ones."""
        ...

    async def freezes(self, tenant: str, environment: str) -> tuple[Freeze, ...]:
        """What people froze by command and did not thaw; whether one has run out is for the rule to say."""
        ...

    async def explained(self, key: EnvironmentKey) -> Explanation:
        """What the other rules decide about an environment now."""
        ...

    async def standings(self, tenant: str, application: str) -> tuple[StandingLine, ...]:
        """What runs where of an application, or of all (empty), as the journal knows it."""
        ...

    async def failures(self, tenant: str) -> tuple[FailureMark, ...]:
        """The newest promotions of all applications of the tenant that failed, newest first, at most 50."""
        ...

    async def rights(self, tenant: str) -> Rights:
        """Whether the bot may push to the config repository's default branch."""
        ...

    async def rollback_request(self, key: EnvironmentKey) -> MergeRequestSeen | None:
        """The open merge request of the environment's rollback branch, else None."""
        ...

    async def irreversible(self, key: EnvironmentKey, release: Release) -> tuple[str, ...]:
        """Marks on the release's images (label or annotation `dev.sluice.irreversible`) that say so, for a person."""
        ...

    async def placed(self, key: EnvironmentKey, release: Release) -> tuple[TagSeen, ...]:
        """For each image of the release, what its tag of this environment names in the registry now."""
        ...

    async def canary_gates(self, key: EnvironmentKey) -> tuple[CanaryGate, ...]:
        """The answers stored for Flagger's questions about this environment's canaries."""
        ...

    async def written(self, effect_key: str) -> str:
        """The digest of what we last wrote under this natural key, empty when never."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[S_contra, F]):
    """A handler as the worker knows it: whom it is about, and its two functions."""

    name: str
    about: type[Subject]
    facts: type[F]
    observe: Callable[[S_contra, Observer], Awaitable[F]]
    decide: Callable[[F, Policy, datetime], Decision]
