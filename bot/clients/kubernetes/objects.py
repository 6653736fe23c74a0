"""What a Flux object says of itself, as far as decisions need it; parsed once, by pure functions.

Fields: https://fluxcd.io/flux/components/kustomize/kustomizations/#kustomization-status, …/helm/helmreleases/,
…/image/imagepolicies/ (Flux 2.7). Absent fields are empty: a controller fills its status in steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from bot.clients.kubernetes.shapes import Metadata, shaped

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of an object's status."""

    type: str
    status: Truth
    reason: str = ""
    message: str = ""
    since: datetime | None = None
    observed_generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A line of the history, newest first: at most five for a Kustomization, the releases of a HelmRelease.

    `revision` is a source revision, or a chart version. `status` is the controller's word.
    """

    digest: str
    revision: str
    status: str
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedImage:
    """What an ImagePolicy selected."""

    name: str
    tag: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FluxObject:
    """An object of a Flux controller. `inventory` holds the ids `namespace_name_group_kind` of what it applied."""

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    suspended: bool
    conditions: tuple[Condition, ...]
    last_applied_revision: str
    last_attempted_revision: str
    last_applied_origin_revision: str
    history: tuple[Snapshot, ...]
    inventory: tuple[str, ...]
    selected: SelectedImage | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def condition(self, type_: str) -> Condition | None:
        """The condition of this type, or None."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    @property
    def ready(self) -> Truth:
        """The Ready condition, Unknown while it is absent or speaks of an older generation."""
        found = self.condition("Ready")
        if found is None or self.observed_generation != self.generation:
            return "Unknown"
        return found.status

    @property
    def settled(self) -> bool:
        """Whether the controller is done with the present generation, for better or worse."""
        reconciling = self.condition("Reconciling")
        return self.ready != "Unknown" and (reconciling is None or reconciling.status != "True")


class _Spec(msgspec.Struct, frozen=True):
    suspend: bool | None = None


class ConditionShape(msgspec.Struct, frozen=True, rename="camel"):
    """A condition as every kind with a status writes it (Kubernetes API conventions)."""

    type: str
    status: Truth
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None
    observed_generation: int | None = None

    def summary(self) -> Condition:
        """As decisions read it."""
        return Condition(
            type=self.type,
            status=self.status,
            reason=self.reason or "",
            message=self.message or "",
            since=self.last_transition_time,
            observed_generation=self.observed_generation or 0,
        )


class _Snapshot(msgspec.Struct, frozen=True, rename="camel"):
    digest: str = ""
    metadata: dict[str, str] | None = None
    last_reconciled_status: str = ""
    first_reconciled: datetime | None = None
    last_reconciled: datetime | None = None
    chart_version: str = ""
    status: str = ""
    first_deployed: datetime | None = None
    last_deployed: datetime | None = None

    def summary(self) -> Snapshot:
        return Snapshot(
            digest=self.digest,
            revision=(self.metadata or {}).get("revision", "") or self.chart_version,
            status=self.last_reconciled_status or self.status,
            first=self.first_reconciled or self.first_deployed,
            last=self.last_reconciled or self.last_deployed,
        )


class _Entry(msgspec.Struct, frozen=True):
    id: str


class _Inventory(msgspec.Struct, frozen=True):
    entries: tuple[_Entry, ...] | None = None


class RefShape(msgspec.Struct, frozen=True):
    """An image as Flux's image controllers write it (`ImageRef`)."""

    name: str
    tag: str
    digest: str = ""

    def summary(self) -> SelectedImage:
        """As decisions read it."""
        return SelectedImage(name=self.name, tag=self.tag, digest=self.digest)


class _Artifact(msgspec.Struct, frozen=True):
    revision: str = ""


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    observed_generation: int = 0
    conditions: tuple[ConditionShape, ...] | None = None
    last_applied_revision: str = ""
    last_attempted_revision: str = ""
    last_applied_origin_revision: str = ""
    history: tuple[_Snapshot, ...] | None = None
    inventory: _Inventory | None = None
    latest_ref: RefShape | None = None
    artifact: _Artifact | None = None


class _Object(msgspec.Struct, frozen=True):
    kind: str
    metadata: Metadata
    spec: _Spec | None = None
    status: _Status | None = None


def summarise(document: Mapping[str, Any]) -> FluxObject:
    """The summary of a Flux object's JSON; PermanentError when a field is of another kind than its documentation says.

    A source's `last_applied_revision` is the revision of its artifact.
    """
    parsed = shaped(document, _Object, component="Flux")
    return _summary(parsed, parsed.status or _Status())


def _summary(parsed: _Object, status: _Status) -> FluxObject:
    meta, ref = parsed.metadata, status.latest_ref
    artifact = status.artifact.revision if status.artifact else ""
    inventory = status.inventory.entries if status.inventory else None
    return FluxObject(
        kind=parsed.kind,
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        observed_generation=status.observed_generation,
        suspended=bool(parsed.spec and parsed.spec.suspend),
        conditions=tuple(condition.summary() for condition in status.conditions or ()),
        last_applied_revision=status.last_applied_revision or artifact,
        last_attempted_revision=status.last_attempted_revision,
        last_applied_origin_revision=status.last_applied_origin_revision,
        history=tuple(snapshot.summary() for snapshot in status.history or ()),
        inventory=tuple(entry.id for entry in inventory or ()),
        selected=ref.summary() if ref else None,
        labels=meta.labels or {},
    )
