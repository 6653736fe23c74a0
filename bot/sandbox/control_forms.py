"""What the control API takes: one form per request; anything else is refused with what is wrong."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["healthy", "fails", "hangs"]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class Form(BaseModel):
    """Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReleaseForm(Form):
    """A release of demo-service as its CI makes it."""

    version: Annotated[str, Field(pattern=r"^\d[\w.+-]*$")]
    changes: tuple[str, ...] = ()
    """Subjects of the commits it brings; one is made up when there is none."""
    outcome: Outcome = "healthy"
    """What happens to pods that run it."""
    salt: str = ""
    """Another salt gives equal content another digest."""


class ImageForm(Form):
    """A rebuild: an image pushed again for a version, with another digest when the salt differs."""

    version: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    salt: str = "rebuilt"


class PipelineForm(Form):
    """How the pipelines of a commit end, the ones there and the ones to come."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    status: Literal["success", "failed", "running", "manual", "canceled", "skipped"]
    after: Seconds | None = None


class CanaryForm(Form):
    """What becomes of a Canary's analyses."""

    namespace: str
    name: str
    image: str = ""
    """Only while its target has this image: `repository:tag`, `repository@digest`, or only the version."""
    outcome: Literal["succeed", "fail", "no-data", "query-failed", "hang"]


class WorkloadForm(Form):
    """What happens to pods of an image."""

    image: str
    """`host:port/repository:tag`, or only the version of demo-service."""
    outcome: Outcome


class GitLabHooksForm(Form):
    """What happens to GitLab's webhooks on their way out."""

    target: Literal["gitlab"]
    drop_all: bool = False
    drop_next: Annotated[int, Field(ge=0)] = 0
    delay: Seconds = 0.0
    duplicate: Literal["no", "same-key", "second-hook"] = "no"
    shuffle_within: Seconds = 0.0


class FluxHooksForm(Form):
    """What happens to Flux's notifications on their way out."""

    target: Literal["flux"]
    drop: Share = 0.0
    delay: Seconds = 0.0
    duplicate: Share = 0.0
    shuffle: Annotated[int, Field(ge=0)] = 0
    seed: int = 0


class FlaggerHooksForm(Form):
    """Whether what Flagger only tells (`event`, `post-rollout`) is lost on its way; its questions are not."""

    target: Literal["flagger"]
    drop: bool = False


class HooksForm(Form):
    """One of the three."""

    hooks: Annotated[GitLabHooksForm | FluxHooksForm | FlaggerHooksForm, Field(discriminator="target")]


class FaultForm(Form):
    """A disturbance of one part's HTTP: a status, an answer that never comes, or a connection closed without a word."""

    target: Literal["gitlab", "registry", "cluster"]
    kind: Literal["429", "500", "502", "503", "html", "empty", "list", "hang", "reset", "409-lock", "late", "away"]
    times: Annotated[int, Field(ge=1)] | None = None
    """How many requests it hits; until it is cleared when left out."""
    seconds: Seconds | None = None
    """How long it lasts; until it is cleared when left out."""
    retry_after: Annotated[int, Field(ge=0)] = 1
    method: str | None = None
    path: str | None = None
    """A regular expression searched in the path."""
    after_effect: bool = False
    """GitLab only: do the work first, then fail the answer."""


class ClockForm(Form):
    """Move or stop the sandbox's time."""

    advance_seconds: Seconds = 0.0
    frozen: bool | None = None


class BotForm(Form):
    """Where the bot is."""

    url: Annotated[str, Field(pattern=r"^https?://")]


class WatchesForm(Form):
    """End every watch with 410."""

    refuse_next: Annotated[int, Field(ge=0)] = 0
    """How many of the next watches get HTTP 410 before they begin."""


class RescanForm(Form):
    """Let image automation look at the registry."""

    times: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How often, one whole look after the other; the answer comes after the last."""


class ReconcileForm(Form):
    """Ask Flux for a reconciliation."""

    kind: Literal["GitRepository", "Kustomization", "ImageRepository", "ImagePolicy", "ImageUpdateAutomation"]
    namespace: str = "flux-system"
    name: str


class SpeedForm(Form):
    """The cluster's speed and quirks; only what is given changes."""

    rollout: Seconds | None = None
    stall: Seconds | None = None
    rate_limit: Seconds | None = None
    stale_selection: bool | None = None
    canary_interval: Seconds | None = None
    canary_deadline: Seconds | None = None
    event_similar: Annotated[int, Field(ge=0)] | None = None
    event_burst: Annotated[int, Field(ge=0)] | None = None
