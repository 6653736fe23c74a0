"""One application in one environment: everything the policy says of it, filled in and final."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from re import compile as pattern
from re import escape

from config.access import EVERYBODY_INVOLVED, ApprovalsForm
from config.policy_form import ApplicationForm, EnvironmentForm, Limit, OverrideForm
from config.position import Position
from config.words import (
    Delivery,
    Deployments,
    Merge,
    Mode,
    NoPipeline,
    RollbackCause,
    RollbackWay,
    Statuses,
    Tier,
    fill,
)

STRICTEST: dict[str, tuple[str, ...]] = {
    "mode": ("observe", "propose", "act"),
    "merge": ("manual", "automatic"),
    "no_pipeline": ("wait", "allow"),
    "way": ("person", "merge_request", "commit"),
}
"""Values from strictest to loosest: per-team files may only move to the left."""

VERSION = r"(?P<version>\d[0-9A-Za-z.+_-]*)"
"""What stands for {version} in a tag. It begins with a digit, so that `nightly` is no release."""


@dataclass(frozen=True, slots=True, order=True)
class _ObjectRef:
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class KustomizationRef(_ObjectRef):
    """A Flux Kustomization by namespace and name; in which cluster is said beside it."""

    __slots__ = ()


class CanaryRef(_ObjectRef):
    """A Flagger Canary by namespace and name; in which cluster is said beside it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPolicy:
    """When and how a release is taken back, as RollbackForm says it. brake: this many failures within that time."""

    on: tuple[RollbackCause, ...]
    way: RollbackWay
    within: timedelta
    brake_failures: int
    brake_within: timedelta
    irreversible: tuple[str, ...]
    people: tuple[str, ...]
    retry_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentPolicy:
    """One application in one environment, fully resolved.

    images: the application's images as they are built. `image_name` gives each one's name in this environment.
    after: the environments that come before it for this application (those it is not in are skipped over).
    positions: each says with `of` which of `images` stands there; files are paths from the repository's root.
    """

    name: str
    application: str
    clusters: tuple[str, ...]
    after: tuple[str, ...]
    delivery: Delivery
    merge: Merge
    mode: Mode
    soak: timedelta
    no_pipeline: NoPipeline
    statuses: Statuses
    deployments: Deployments
    tier: Tier | None
    kustomization: KustomizationRef
    images: tuple[str, ...]
    positions: tuple[Position, ...]
    registry: str
    tag_template: str
    canary: CanaryRef | None
    rollback: RollbackPolicy
    approvals: ApprovalsForm
    gitlab_freezes: bool

    def image_name(self, image: str) -> str:
        """Where this environment keeps an image: its own registry when it has one, else the name as built."""
        if not self.registry:
            return image
        registry, _, repository = image.partition("/")
        return fill(self.registry, {"registry": registry, "repository": repository})

    def tag(self, version: str) -> str:
        """The image tag of a version here. `+` is written `_`: tags know no plus (OCI distribution 1.1)."""
        return fill(self.tag_template, {"version": version.replace("+", "_")})

    def version_of(self, tag: str) -> str | None:
        """The version that an image tag names here; None when it does not have this environment's form."""
        return version_in(self.tag_template, tag)

    def position_files(self) -> tuple[str, ...]:
        """The files a promotion edits beside the release file, each once."""
        return tuple(dict.fromkeys(position.file for position in self.positions))


def version_in(template: str, tag: str) -> str | None:
    """The version inside a tag of the form `template`; None when it has another form."""
    before, _, after = template.partition("{version}")
    found = pattern(f"{escape(before)}{VERSION}{escape(after)}").fullmatch(tag)
    return found["version"].replace("_", "+") if found else None


def stricter(field: str, left: str, right: str) -> str:
    """The stricter of two values of `mode`, `merge`, `no_pipeline` or `way`."""
    return min(left, right, key=STRICTEST[field].index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The written blocks that decide one (application, environment), from general to particular."""

    mode: Mode
    environment: EnvironmentForm
    application: ApplicationForm
    override: OverrideForm
    limits: tuple[Limit, ...]

    def final_mode(self) -> Mode:
        """The override's; else the stricter of the environment's and the application's; else the policy's."""
        written = [mode for mode in (self.environment.mode, self.application.mode) if mode is not None]
        chosen = min(written, key=STRICTEST["mode"].index, default=self.mode)
        if self.override.mode is not None:
            chosen = self.override.mode
        return min([chosen, *(limit.mode for limit in self.limits if limit.mode)], key=STRICTEST["mode"].index)

    def final_merge(self) -> Merge:
        """`manual` when any team says so."""
        chosen = self.override.merge or self.environment.merge
        return min([chosen, *(limit.merge for limit in self.limits if limit.merge)], key=STRICTEST["merge"].index)

    def final_soak(self) -> timedelta:
        """The longest that anybody asks for."""
        chosen = self.environment.soak if self.override.soak is None else self.override.soak
        return max([chosen, *(limit.soak for limit in self.limits if limit.soak is not None)])

    def final_no_pipeline(self) -> NoPipeline:
        """`wait` when any team says so."""
        chosen = self.override.no_pipeline or self.environment.no_pipeline
        asked = [limit.no_pipeline for limit in self.limits if limit.no_pipeline]
        return min([chosen, *asked], key=STRICTEST["no_pipeline"].index)

    def final_rollback(self) -> RollbackPolicy:
        """As far as everybody allows: the strictest way, and the causes that no team leaves out."""
        form = self.override.rollback or self.environment.rollback
        limits = [limit.rollback for limit in self.limits if limit.rollback is not None]
        ways = [form.way, *(limit.way for limit in limits if limit.way is not None)]
        kept = [limit.on for limit in limits if limit.on is not None]
        return RollbackPolicy(
            on=tuple(cause for cause in form.on if all(cause in causes for causes in kept)),
            way=min(ways, key=STRICTEST["way"].index),
            within=form.within,
            brake_failures=form.brake.failures,
            brake_within=form.brake.within,
            irreversible=form.irreversible,
            people=form.people,
            retry_after=form.retry_after,
        )

    def final_approvals(self) -> ApprovalsForm:
        """The most that anybody requires, and everybody whose own approval somebody leaves out."""
        form = self.override.approvals or self.environment.approvals
        limits = [limit.approvals for limit in self.limits if limit.approvals is not None]
        asked = [limit.required for limit in limits if limit.required is not None]
        left_out = {*form.exclude, *(role for limit in limits for role in limit.exclude)}
        exclude = tuple(role for role in EVERYBODY_INVOLVED if role in left_out)
        return form.model_copy(update={"required": max([form.required, *asked]), "exclude": exclude})

    def written_positions(self) -> tuple[Position, ...]:
        """The override's positions, else the application's."""
        for block in (self.override, self.application):
            if block.position is not None or block.positions:
                return ((block.position,) if block.position is not None else ()) + block.positions
        return ()


def resolve(name: str, application: str, after: tuple[str, ...], layers: Layers) -> EnvironmentPolicy:
    """The final policy of `application` in the environment `name`."""
    environment, override, form = layers.environment, layers.override, layers.application
    clusters = clusters_of(environment)
    values = {"application": application, "environment": name}
    namespace, _, kustomization = fill(override.kustomization or form.kustomization, values).partition("/")
    return EnvironmentPolicy(
        name=name,
        application=application,
        clusters=clusters,
        after=after,
        delivery=override.delivery or environment.delivery,
        merge=layers.final_merge(),
        mode=layers.final_mode(),
        soak=layers.final_soak(),
        no_pipeline=layers.final_no_pipeline(),
        statuses=override.statuses or environment.statuses,
        deployments=override.deployments or environment.deployments,
        tier=environment.tier,
        kustomization=KustomizationRef(namespace, kustomization),
        images=form.images,
        positions=tuple(_filled(layers.written_positions(), values, clusters, form.images)),
        registry=environment.registry,
        tag_template=override.tag or environment.tag,
        canary=_canary(override.canary or form.canary, values),
        rollback=layers.final_rollback(),
        approvals=layers.final_approvals(),
        gitlab_freezes=environment.gitlab_freezes,
    )


def _canary(written: str | None, values: dict[str, str]) -> CanaryRef | None:
    if written is None:
        return None
    namespace, _, name = fill(written, values).partition("/")
    return CanaryRef(namespace, name)


def clusters_of(environment: EnvironmentForm) -> tuple[str, ...]:
    """The clusters of an environment, whichever way they are written."""
    return ((environment.cluster,) if environment.cluster is not None else ()) + environment.clusters


def templates(position: Position) -> dict[str, str]:
    """The fields of a position, beside its file, that may hold placeholders."""
    fields = ("image", "object", "marker")
    return {name: getattr(position, name) for name in fields if name in type(position).model_fields}


def _filled(
    positions: Iterable[Position], values: dict[str, str], clusters: tuple[str, ...], images: tuple[str, ...]
) -> Iterable[Position]:
    for position in positions:
        for cluster in clusters if "{cluster}" in position.file else clusters[:1]:
            here = {**values, "cluster": cluster}
            update = {"file": fill(position.file, here), "of": position.of or images[0]}
            update |= {name: fill(text, here) for name, text in templates(position).items()}
            yield position.model_copy(update=update)
