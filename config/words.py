"""The closed sets and small values that policy and settings are written in, each with its meaning."""

from collections.abc import Mapping
from datetime import timedelta
from re import compile as pattern
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

Mode = Literal["observe", "propose", "act"]
"""observe: decide and journal, write nothing outside. propose: merge requests, people merge. act: the bot merges."""

Delivery = Literal["merge_request", "image_automation", "observe"]
"""Who writes the image position: the merge request, Flux's image automation after the merge, or nobody of ours."""

Merge = Literal["manual", "automatic"]
NoPipeline = Literal["wait", "allow"]
"""What a merge request without any pipeline means: wait for one, or accept that the project provably has no CI."""

Tier = Literal["production", "staging", "testing", "development", "other"]
"""GitLab's deployment tiers (Environments API, `tier`)."""


RollbackCause = Literal["canary_failed", "health_check_failed", "reconciliation_failed"]
"""What may take a release back without a person: Flagger's analysis, Flux's HealthCheckFailed, ReconciliationFailed."""

RollbackWay = Literal["commit", "merge_request", "person"]
"""How far Git goes back by itself: a commit on the default branch where rights allow, else a merge request that the
bot merges at once; never more than that merge request; or one that a named person merges."""


def _switch(value: object) -> object:
    # YAML 1.1 editors and JSON writers turn on/off into booleans.
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


StatusSwitch = Literal["on", "deployments_only", "off"]
DeploymentSwitch = Literal["on", "off"]
Statuses = Annotated[StatusSwitch, BeforeValidator(_switch, json_schema_input_type=StatusSwitch | bool)]
Deployments = Annotated[DeploymentSwitch, BeforeValidator(_switch, json_schema_input_type=DeploymentSwitch | bool)]

NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A DNS label (RFC 1123): safe in Kubernetes names, GitLab environment and status names, branches and file paths."""

Name = Annotated[str, StringConstraints(pattern=NAME)]
ProjectPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)+$", max_length=512)]
"""A GitLab project by its full path: group, subgroups, project."""

ImageName = Annotated[str, StringConstraints(pattern=r"^[\w.-]+(:[0-9]+)?(/[a-z0-9._-]+)+$", max_length=512)]
"""Registry host and repository, without tag or digest (OCI distribution 1.1, `<name>`)."""


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("a path is written from the repository's root and never leaves it with ..")
    return path


FilePath = Annotated[
    str, StringConstraints(pattern=r"^[\w./{}@+-]+$", min_length=1, max_length=512), AfterValidator(_inside)
]
"""A file inside the config repository, from its root; `..` never leaves it."""

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
DURATION = pattern(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def parse_duration(value: object) -> object:
    """`1d`, `1h30m`, `10m`, `45s` and `0` as a timedelta; ValueError for anything else."""
    if value == 0 and not isinstance(value, bool):
        return timedelta()
    if isinstance(value, timedelta):
        return value
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not value:
        raise ValueError("a duration is written like 45s, 10m, 1h30m or 2d")
    seconds = sum(int(count or 0) * unit for count, unit in zip(found.groups(), UNITS.values(), strict=True))
    return timedelta(seconds=seconds)


def write_duration(value: timedelta) -> str:
    """The text that `parse_duration` reads back; whole seconds."""
    left, parts = int(value.total_seconds()), []
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(write_duration),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "examples": ["10m"]}),
    Field(ge=timedelta()),
]
"""A length of time, written like `45s`, `10m`, `1h30m`, `2d`."""


class Form(BaseModel):
    """What every configuration model shares: unknown fields are faults, values never change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
        hide_input_in_errors=True,
        serialize_by_alias=True,
    )


PLACEHOLDER = pattern(r"\{(\w*)\}")


def fill(template: str, values: Mapping[str, str]) -> str:
    """`{name}` replaced by its value; KeyError for a name that has none (checked when the policy is read)."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def placeholders(template: str) -> frozenset[str]:
    """The names that `fill` will ask for."""
    return frozenset(PLACEHOLDER.findall(template))
