"""The policy as a tenant writes it: one model per block of `.sluice/policy.yaml`, each field with its reason."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from config.access import ApprovalsForm, Excluded, GrantForm
from config.position import Position
from config.words import (
    Delivery,
    Deployments,
    Duration,
    Form,
    ImageName,
    Merge,
    Mode,
    Name,
    NoPipeline,
    ProjectPath,
    RollbackCause,
    RollbackWay,
    Statuses,
    Tier,
)


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _listed_as(one: object) -> BeforeValidator:
    """One value may be written without its list; the schema says so too."""
    several = Annotated[tuple[one, ...], Field(min_length=1)]  # type: ignore[valid-type]
    return BeforeValidator(_listed, json_schema_input_type=one | several)


TagTemplate = Annotated[str, StringConstraints(pattern=r"^[^{}\s]*\{version\}[^{}\s]*$", max_length=128)]
KustomizationName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9{}.-]+/[a-z0-9{}.-]+$", max_length=317)]


class BrakeForm(Form):
    """The brake on mass failures: a platform outage must not take everything back (failures F22)."""

    failures: Annotated[int, Field(ge=1, le=1000)] = 3
    """From this many failed roll-outs of the tenant on, nothing is taken back without a person."""
    within: Duration = timedelta(minutes=10)
    """Counted over this time."""


class RollbackForm(Form):
    """When and how a release is taken back (docs/policy.md, rollback)."""

    on: tuple[RollbackCause, ...] = ("canary_failed",)
    """What takes a release back without a person; an empty list: nothing."""
    way: RollbackWay = "commit"
    """How far Git goes back by itself: `commit`, `merge_request`, or `person`, who merges it."""
    within: Duration = timedelta(hours=1)
    """A failure seen longer ago than this is left to a person."""
    brake: BrakeForm = BrakeForm()
    """Many failures at once page a person instead."""
    irreversible: tuple[Annotated[str, StringConstraints(min_length=1, max_length=512)], ...] = (
        "**/migrations/**",
        "**/db/migrate/**",
    )
    """Application files; a release that changes one of them is never taken back without a person."""
    people: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w.-]*$", max_length=255)], ...] = ()
    """GitLab user names to mention in incidents, and in merge requests that only a person may merge."""
    retry_after: Duration = timedelta()
    """An inconclusive release (no metrics) may try again once after this time; 0: only when somebody asks."""


class TighteningRollbackForm(Form):
    """What a team's file may say of taking releases back: less by itself, never more."""

    on: tuple[RollbackCause, ...] | None = None
    """Some of the causes that the policy names, or none."""
    way: RollbackWay | None = None
    """At most this far without a person."""


class EnvironmentForm(Form):
    """One environment: where releases go, after which others, and how strictly."""

    cluster: Name | None = None
    """The cluster it runs in. Write this or `clusters`."""
    clusters: tuple[Name, ...] = ()
    """Several clusters that move as one: healthy when all are, failed when any is."""
    after: tuple[Name, ...] = ()
    """A release must be done in all of these first. None: releases enter the system here."""
    delivery: Delivery = "merge_request"
    """Who writes the image position. `observe`: the environment follows the build by itself."""
    merge: Merge = "manual"
    """`automatic`: the bot merges when every gate is green, in mode `act` only."""
    mode: Mode | None = None
    """How far the bot may go here; the policy's `mode` when left out."""
    soak: Duration = timedelta()
    """How long a release must have been healthy in the environments before. Time finds what checks do not."""
    no_pipeline: NoPipeline = "wait"
    """Whether a merge request without any pipeline may be merged automatically."""
    tier: Tier | None = None
    """GitLab's tier for deployments; GitLab guesses it from the name when left out."""
    registry: Annotated[str, StringConstraints(pattern=r"^$|^[\w.{}:/-]*\{repository\}[\w.{}:/-]*$")] = ""
    """Image name here, as a template of {registry} and {repository}, when this environment has its own registry."""
    tag: TagTemplate = "{version}"
    """Image tag here, such as "{version}-staging" where each environment has its own tags."""
    statuses: Statuses = "on"
    """Whether application commits get a status. Waiting is never a status."""
    deployments: Deployments = "on"
    """Whether GitLab deployments are recorded on the application's project."""
    rollback: RollbackForm = RollbackForm()
    """When and how a release is taken back here."""
    approvals: ApprovalsForm = ApprovalsForm()
    """How many people must approve a promotion into it, and who counts."""
    gitlab_freezes: bool = True
    """Whether the deploy freezes of the application's GitLab project count here."""


class OverrideForm(Form):
    """What one application does differently in one environment. Only what is written differs; `rollback` as a whole."""

    mode: Mode | None = None
    delivery: Delivery | None = None
    merge: Merge | None = None
    soak: Duration | None = None
    no_pipeline: NoPipeline | None = None
    statuses: Statuses | None = None
    deployments: Deployments | None = None
    tag: TagTemplate | None = None
    kustomization: KustomizationName | None = None
    canary: KustomizationName | None = None
    rollback: RollbackForm | None = None
    approvals: ApprovalsForm | None = None
    position: Position | None = None
    positions: tuple[Position, ...] = ()


class ApplicationForm(Form):
    """One application: its project, its images, and where they stand in Git and in the cluster."""

    project: ProjectPath
    """The GitLab project of its source: commit statuses and deployments go there, releases come from its tags."""
    images: Annotated[tuple[ImageName, ...], Field(min_length=1), _listed_as(ImageName)]
    """Its images where they are built, as host/repository. A release is the set of them, by digest."""
    kustomization: KustomizationName
    """The Flux Kustomization (namespace/name) that applies it: where health and the applied revision are read."""
    canary: KustomizationName | None = None
    """The Flagger Canary (namespace/name) that rolls it out, where there is one; mostly written by environment."""
    position: Position | None = None
    """Where its image stands. Write this or `positions`; `{environment}` makes one line serve all environments."""
    positions: tuple[Position, ...] = ()
    """Several places, each saying which image it is `of`."""
    tags: Annotated[tuple[TagTemplate, ...], Field(min_length=1), _listed_as(TagTemplate)] = (
        "v{version}",
        "{version}",
    )
    """Git tags of its project that name a release; the version must begin with a digit."""
    mode: Mode | None = None
    """How far the bot may go for this application; the stricter of this and the environment's holds."""
    only: tuple[Name, ...] = ()
    """The environments it is in; all of them when left out. `after` skips over those it is not in."""
    environments: Mapping[Name, OverrideForm] = {}
    """What it does differently, by environment."""


class TighteningApprovalsForm(Form):
    """What a team's file may say of approvals: more of them, and more people whose own does not count."""

    required: Annotated[int, Field(ge=0, le=20)] | None = None
    """At least so many."""
    exclude: tuple[Excluded, ...] = ()
    """These do not count either."""


class FreezeForm(Form):
    """A time in which nothing is promoted into some environments: dated, or by the calendar; in time zones."""

    in_: Annotated[tuple[Name, ...], Field(alias="in", min_length=1)]
    """The environments."""
    because: Annotated[str, StringConstraints(pattern=r"\S", max_length=200)]
    """Why, for whoever waits."""
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    """When it begins, with its zone. Write `from` and `until`, or `cron_from` and `cron_until`."""
    until: AwareDatetime | None = None
    """When it ends."""
    cron_from: Annotated[str, StringConstraints(max_length=100)] | None = None
    """When it begins each time, as a cron line of five fields."""
    cron_until: Annotated[str, StringConstraints(max_length=100)] | None = None
    """When it ends each time."""
    zone: Annotated[str, StringConstraints(max_length=64)] = "UTC"
    """The time zone of the cron lines (IANA name)."""


class Limit(Form):
    """A bound from a team's file: at most this mode, at least this strict. Applied after everything else."""

    environment: Name
    application: Name | None = None
    mode: Mode | None = None
    merge: Merge | None = None
    soak: Duration | None = None
    no_pipeline: NoPipeline | None = None
    rollback: TighteningRollbackForm | None = None
    approvals: TighteningApprovalsForm | None = None


class TighteningForm(Form):
    """What a team's file may say of one environment: nothing that could loosen it."""

    mode: Mode | None = None
    merge: Merge | None = None
    soak: Duration | None = None
    no_pipeline: NoPipeline | None = None
    rollback: TighteningRollbackForm | None = None
    approvals: TighteningApprovalsForm | None = None


class TeamApplicationForm(Form):
    """What a team's file may say of one application."""

    environments: Mapping[Name, TighteningForm] = {}


class TeamForm(Form):
    """A per-team file, `.sluice/policy.d/*.yaml`: it can only tighten what `policy.yaml` allows."""

    version: Literal[1]
    environments: Mapping[Name, TighteningForm] = {}
    applications: Mapping[Name, TeamApplicationForm] = {}


class PolicyForm(Form):
    """`.sluice/policy.yaml`: what the bot may do for this config repository."""

    version: Literal[1]
    """The form's version: 1."""
    mode: Mode = "observe"
    """How far the bot may go where nothing else is said. A new installation only watches."""
    environments: Annotated[Mapping[Name, EnvironmentForm], Field(min_length=1)]
    """The environments by name."""
    applications: Mapping[Name, ApplicationForm] = {}
    """The applications by name."""
    access: Annotated[tuple[GrantForm, ...], Field(min_length=1)] | None = None
    """Who may command what. Left out: by role, as docs/policy.md says. Written: only what it grants."""
    freezes: tuple[FreezeForm, ...] = ()
    """When nothing is promoted, whoever asks; what has failed is still taken back."""
