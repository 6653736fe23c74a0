"""One look at one canary: what was read when the tick began, and the hands it works with."""

from dataclasses import dataclass

from bot.sandbox.cluster.flagger.hooks import Hooks
from bot.sandbox.cluster.flagger.measuring import Outcome
from bot.sandbox.cluster.flagger.plans import TOTAL_WEIGHT, Plan
from bot.sandbox.cluster.flagger.speaking import Speaker
from bot.sandbox.cluster.flagger.statuses import Statuses
from bot.sandbox.cluster.flagger.workloads import Workloads
from bot.sandbox.documents import Document, path


@dataclass(slots=True, kw_only=True)
class Memory:
    """What outlives a tick without being in the Canary's status."""

    weight: int = 0
    """The share of traffic the canary has, in percent: a mesh keeps it, status.canaryWeight only repeats it."""
    unready_since: float | None = None
    """Since when the target does not come up, in the loop's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The canary as it was read: writes go to the cluster and do not change it, as with Flagger's own copy."""

    canary: Document
    plan: Plan
    hooks: Hooks
    speaker: Speaker
    statuses: Statuses
    workloads: Workloads
    memory: Memory
    outcome: Outcome

    @property
    def phase(self) -> str:
        """The phase when the tick began; empty for a Canary nobody has seen."""
        return str(path(self.canary, "status", "phase") or "")

    @property
    def called(self) -> str:
        """`name.namespace` of the Canary, as sentences have it."""
        return f"{self.canary['metadata']['name']}.{self._namespace}"

    @property
    def target(self) -> str:
        """`name.namespace` of the target."""
        return f"{self.plan.target}.{self._namespace}"

    @property
    def primary(self) -> str:
        """`name.namespace` of the primary."""
        return f"{self.plan.target}-primary.{self._namespace}"

    @property
    def primary_weight(self) -> int:
        """The share of traffic the primary has."""
        return TOTAL_WEIGHT - self.memory.weight

    def number(self, field: str) -> int:
        """One of the status' counters."""
        return int(path(self.canary, "status", field) or 0)

    def text(self, field: str) -> str:
        """One of the status' hashes."""
        return str(path(self.canary, "status", field) or "")

    def changed(self) -> bool:
        """Whether the target's template is neither the last applied nor the last promoted one (pkg/canary/spec.go)."""
        now = self.workloads.applied()
        return now not in (self.text("lastAppliedSpec"), self.text("lastPromotedSpec"))

    @property
    def _namespace(self) -> str:
        return str(self.canary["metadata"]["namespace"])
