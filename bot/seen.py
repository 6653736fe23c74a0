"""What is seen of the world: frozen facts without a moment of observation in them, so equal worlds give equal facts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.keys import EnvironmentKey
from bot.records import Denial, FailureCause, Health, MergeRequestMark, Pin, SourceState
from bot.releases import Image, Release

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
    away: bool = False
    """Its API did not answer: the health is unknown, and what it runs is not told rather than gone."""


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
    change: str = ""
    """A hash of what it changes in Git: the bot's own rebase keeps it, anything else does not."""


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
