"""What a Flagger Canary says of itself; its phase alone says nothing of a release, so its target is named, too.

Fields: https://docs.flagger.app/usage/how-it-works#canary-status (Flagger 1.41). Absent fields are empty: Flagger fills
the status when it first looks at the object.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from bot.clients.kubernetes.objects import Condition, ConditionShape
from bot.clients.kubernetes.shapes import Metadata, shaped
from bot.seen import CanaryPhase


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryObject:
    """A Canary. `target` is the workload that carries new images; Flagger's copy `primary` serves.

    last_applied_spec, last_promoted_spec: Flagger's hashes of the target's pod template. failed_checks: of this
    analysis. conditions: `Promoted`, whose reason is the phase.
    """

    namespace: str
    name: str
    uid: str
    suspended: bool
    target_kind: str
    target: str
    phase: CanaryPhase
    last_applied_spec: str
    last_promoted_spec: str
    failed_checks: int
    conditions: tuple[Condition, ...]

    @property
    def primary(self) -> str:
        """The workload that serves (Flagger names it so, whatever the target is)."""
        return f"{self.target}-primary"

    @property
    def verdict(self) -> Condition | None:
        """The condition `Promoted`; its time changes only when an analysis begins or ends."""
        return next((condition for condition in self.conditions if condition.type == "Promoted"), None)


class _Target(msgspec.Struct, frozen=True):
    name: str
    kind: str = "Deployment"


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    target_ref: _Target
    suspend: bool | None = None


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    phase: CanaryPhase | Literal[""] = ""
    last_applied_spec: str = ""
    last_promoted_spec: str = ""
    failed_checks: int = 0
    conditions: tuple[ConditionShape, ...] | None = None


class _Canary(msgspec.Struct, frozen=True):
    metadata: Metadata
    spec: _Spec
    status: _Status | None = None


def summarise_canary(document: Mapping[str, Any]) -> CanaryObject:
    """The summary of a Canary's JSON; PermanentError for another shape, and for a phase that is not known."""
    parsed = shaped(document, _Canary, component="Flagger")
    status = parsed.status or _Status()
    return CanaryObject(
        namespace=parsed.metadata.namespace,
        name=parsed.metadata.name,
        uid=parsed.metadata.uid,
        suspended=bool(parsed.spec.suspend),
        target_kind=parsed.spec.target_ref.kind,
        target=parsed.spec.target_ref.name,
        phase=status.phase or "Initializing",
        last_applied_spec=status.last_applied_spec,
        last_promoted_spec=status.last_promoted_spec,
        failed_checks=status.failed_checks,
        conditions=tuple(condition.summary() for condition in status.conditions or ()),
    )
