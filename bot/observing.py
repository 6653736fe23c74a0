"""What may be looked at: the facts rules decide on, and the read-only observer that fetches them.

Facts are frozen data without a moment of observation in them, so equal worlds give equal facts.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from bot.actions import Decision
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey, SourceKey, Subject
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
from config.policy import Policy

S_contra = TypeVar("S_contra", bound=Subject, contravariant=True)
F = TypeVar("F")


CanaryPhase = Literal[
    "Initializing",
    "Initialized",
    "Waiting",
    "Progressing",
    "WaitingPromotion",
    "Promoting",
    "Finalising",
    "Succeeded",
    "Failed",
    "Terminating",
    "Terminated",
]
"""Flagger 1.41; a phase this version does not know is told as PermanentError by whoever reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySeen:
    """A Flagger canary, and what its two Deployments carry; its phase alone says nothing of a release (8.2).

    name: `<namespace>/<name>`. images: of the target Deployment's pod template, references as written, sorted.
    carries: the target has the images of the release the cluster applied; serves: the primary has them, too.
    spec: names what its phase speaks of (not always what the target carries): Flagger's `lastAppliedSpec`, or for
    `Failed` since when it is, because Flagger writes that hash anew while it stays Failed.
    messages: Flagger's own sentences of the analysis under way or last ended, oldest first, without repetition;
    empty when they cannot be read.
    """

    name: str
    phase: CanaryPhase
    images: tuple[str, ...]
    carries: bool
    serves: bool
    spec: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionSeen:
    """What an ImagePolicy in a cluster selects for one image of an environment (delivery image_automation).

    policy: `<namespace>:<name>` as the setter marker writes it. image: as the environment keeps it.
    observed: the policy's selection belongs to its present generation, and every ImageUpdateAutomation that could
    write it has seen it; before, a selection from the past may still be written once.
    """

    cluster: str
    policy: str
    image: Image
    observed: bool


Marking = Literal["active", "pinned", "none"]
"""Whether Flux's image automation writes the positions of an environment, is kept from it by us, or never did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSeen:
    """What one cluster says of an application's Kustomization.

    release: what Git says of the environment at the revision last applied whole; None when that cannot be told.
    attempt: the same at the revision last tried, which is `release` once it succeeded.
    health: how that attempt fares. `revision` is the applied commit of the config repository (40 hex or empty).
    """

    cluster: str
    revision: str
    release: Release | None
    attempt: Release | None
    health: Health
    because: str
    canary: CanarySeen | None = None
    """None where the policy names no canary. `health` is Flux's word joined with the canary's."""
    failing: FailureCause | None = None
    """What makes the health `failed`; None for any other health."""
    reason: str = ""
    """Flux's reason of the Kustomization's Ready condition, such as HealthCheckFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSeen:
    """An application in one environment: what Git declares on the default branch, and what each cluster runs.

    declared: by the release file, or for `delivery: observe` by the image positions.
    written: what stands at the image positions, as `tag` or `tag@digest`.
    agrees: the positions say what the release file says; false when a person wrote one of them alone.
    standing: what the positions say as a release; the same as `declared` but for `delivery: image_automation`, where
    Flux writes them after the merge (None: they name no image that can be found).
    marking: of the positions. pin and denials: as Git declares them on the default branch.
    selections: of the image policies that the positions' markers name, pinned ones too.
    """

    environment: str
    declared: Release | None
    written: tuple[str, ...]
    agrees: bool
    clusters: tuple[ClusterSeen, ...]
    standing: Release | None = None
    marking: Marking = "none"
    pin: Pin | None = None
    denials: tuple[Denial, ...] = ()
    selections: tuple[SelectionSeen, ...] = ()

    def denied(self, release: Release) -> Denial | None:
        """The denial of one of the release's images in this environment, by digest."""
        digests = {image.digest for image in release.images}
        return next((denial for denial in self.denials if denial.image.digest in digests), None)

    @property
    def running(self) -> Release | None:
        """The release every cluster of the environment has applied, or None while they differ."""
        seen = {cluster.release.id: cluster.release for cluster in self.clusters if cluster.release}
        alike = len(seen) == 1 and all(cluster.release for cluster in self.clusters)
        return next(iter(seen.values())) if alike else None

    @property
    def health(self) -> Health:
        """Healthy = all clusters, failed = any, unknown before progressing (design section 3)."""
        states = {cluster.health for cluster in self.clusters}
        for state in ("failed", "unknown", "progressing"):
            if state in states:
                return state
        return "healthy" if states else "unknown"

    @property
    def trouble(self) -> str:
        """What the clusters that are not healthy say, for a person."""
        return "; ".join(f"{seen.cluster}: {seen.because}" for seen in self.clusters if seen.health != "healthy")


ProofVerdict = Literal["passed", "running", "failed", "missing", "none"]
"""missing: CI is configured and no pipeline of this head is known. none: provably no CI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeProof:
    """What the jobs of a merge request's head say, our own statuses left out."""

    verdict: ProofVerdict
    because: str
    pipeline_id: int | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequestSeen:
    """The merge request of an environment's branch.

    status: GitLab's `detailed_merge_status`, any text; unknown values mean "wait".
    proposes: the release its head declares. ours: the head commit carries our trailer.
    closed_by_bot: only meaningful when closed. release_id: what its description's hidden marker names, or empty.
    """

    iid: int
    state: Literal["opened", "closed", "merged", "locked"]
    sha: str
    title: str
    draft: bool
    status: str
    url: str
    ours: bool
    closed_by_bot: bool
    merged_revision: str
    proposes: Release | None
    proof: MergeProof
    release_id: str = ""
    merged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A commit of the application, as a merge request lists it."""

    sha: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two application commits: what the newer brings, and what it would lose (None: GitLab could not say)."""

    brings: tuple[Change, ...]
    loses: tuple[Change, ...]
    url: str = ""
    paths: tuple[str, ...] = ()
    """Files that the newer changes, sorted; GitLab cuts very long lists, then `cut` is true."""
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSeen:
    """An application commit, where a status can be put: its newest real pipeline, if any, and that pipeline's ref."""

    project: str
    sha: str
    ref: str
    tag: bool
    pipeline_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """May this journal act on this config repository? `because` says why not."""

    adopted: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the bot may do to the default branch of a config repository now (design section 6, way down)."""

    may_push: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSeen:
    """A tag in the registry of an environment. image: name there, digest wanted, tag. digest: what it names now."""

    image: Image
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMark:
    """A promotion of the tenant that failed, for the brake on mass failures (failures F22).

    release: by the name that `sluice allow` takes; empty in facts recorded before it was kept.
    """

    key: EnvironmentKey
    at: datetime
    release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationSeen:
    """A config repository: where its default branch stands, and the policy there.

    policy: JSON of the parsed policy, empty when it does not parse; then `fault` tells why.
    changed: paths that differ between `known_head` and `head`; None when that cannot be told.
    install: the identity in `.sluice/install`, empty when there is none.
    """

    head: str
    known_head: str
    policy: str
    known_policy: str
    fault: str
    changed: tuple[str, ...] | None
    install: str
    known_install: str
    installation: str
    adoption_asked_by: str
    merge_requests: tuple[MergeRequestMark, ...]
    known_merge_requests: tuple[MergeRequestMark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Flux object now, what the journal knew of it, and the applications it carries."""

    now: SourceState
    known: SourceState | None


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
