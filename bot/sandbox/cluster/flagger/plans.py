"""What a Canary asks for: target, strategy, metrics and webhooks, read from its spec with Flagger's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bot.errors import PermanentError
from bot.sandbox.cluster.durations import seconds_of
from bot.sandbox.documents import Document, path

HookType = Literal[
    "confirm-rollout",
    "pre-rollout",
    "rollout",
    "confirm-traffic-increase",
    "confirm-promotion",
    "post-rollout",
    "rollback",
    "event",
]
HOOK_TYPES: dict[str, HookType] = {kind: kind for kind in get_args(HookType)}
KUBERNETES = "kubernetes"
"""The provider that cannot shift traffic; the sandbox's -mesh-provider."""
BUILT_IN = frozenset({"request-success-rate", "request-duration"})
TOTAL_WEIGHT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One entry of analysis.webhooks. timeout in seconds."""

    name: str
    type: HookType
    url: str
    timeout: float
    retries: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of analysis.metrics; a bound that is None is not checked."""

    name: str
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A Canary's spec. interval and deadline in seconds; max_weight, steps and promotion_step in percent of traffic."""

    target: str
    provider: str
    interval: float
    threshold: int
    iterations: int
    max_weight: int
    step: int
    steps: tuple[int, ...]
    promotion_step: int
    metrics: tuple[Metric, ...]
    webhooks: tuple[Webhook, ...]
    deadline: float
    skip: bool

    def hooks(self, kind: HookType) -> tuple[Webhook, ...]:
        """The webhooks of one type, in the order they are written in."""
        return tuple(hook for hook in self.webhooks if hook.type == kind)

    @property
    def shifts_traffic(self) -> bool:
        """Whether the provider can send a share of the traffic to the canary."""
        return self.provider != KUBERNETES

    def next_step(self, weight: int) -> int:
        """How much the canary's weight grows next; 0 only where the Canary names no steps at all."""
        if self.step > 0 or not self.steps:
            return self.step
        left = TOTAL_WEIGHT - weight
        # At the full weight any step leads on to the promotion.
        if left == 0:
            return 1
        if weight == 0:
            return min(left, self.steps[0])
        following = dict(zip(self.steps, self.steps[1:], strict=False))
        return min(left, following[weight] - weight) if weight in following else left


def plan_of(document: Document) -> Plan:
    """Read a Canary. Raises PermanentError for what the stand-in does not model or cannot read."""
    spec = document["spec"]
    reference = spec.get("targetRef") or {}
    if reference.get("kind") != "Deployment":
        raise PermanentError(
            f"a target of kind {reference.get('kind')} is not modelled by the sandbox: use a Deployment"
        )
    analysis = spec.get("analysis") or {}
    if analysis.get("match") or analysis.get("mirror") or spec.get("autoscalerRef"):
        raise PermanentError("match, mirror and autoscalerRef are not modelled by the sandbox: leave them out")
    steps = tuple(int(one) for one in analysis.get("stepWeights") or ())
    return Plan(
        target=str(reference["name"]),
        provider=str(spec.get("provider") or KUBERNETES),
        interval=seconds_of(str(analysis.get("interval") or "60s")),
        threshold=int(analysis.get("threshold") or 0) or 1,
        iterations=int(analysis.get("iterations") or 0),
        max_weight=min(TOTAL_WEIGHT, steps[-1]) if steps else int(analysis.get("maxWeight") or TOTAL_WEIGHT),
        step=int(analysis.get("stepWeight") or 0),
        steps=steps,
        promotion_step=int(analysis.get("stepWeightPromotion") or 0),
        metrics=tuple(_metric(one) for one in analysis.get("metrics") or ()),
        webhooks=tuple(_webhook(one) for one in analysis.get("webhooks") or ()),
        deadline=float(spec.get("progressDeadlineSeconds") or 600),
        skip=bool(spec.get("skipAnalysis")) or not analysis,
    )


def _webhook(entry: Document) -> Webhook:
    kind = HOOK_TYPES.get(entry.get("type") or "rollout")
    if kind is None:
        raise PermanentError(f"webhook {entry.get('name')}: type {entry['type']} is not one of Flagger's")
    timeout = str(entry.get("timeout") or "")
    return Webhook(
        name=str(entry["name"]),
        type=kind,
        url=str(entry["url"]),
        timeout=seconds_of(timeout if len(timeout) > 1 else "10s"),
        retries=int(entry.get("retries") or 0),
        metadata={str(key): str(value) for key, value in (entry.get("metadata") or {}).items()},
    )


def _metric(entry: Document) -> Metric:
    least, most = path(entry, "thresholdRange", "min"), path(entry, "thresholdRange", "max")
    if not entry.get("thresholdRange") and entry.get("threshold") is not None:
        lower = entry["name"] == "request-success-rate"
        least, most = (entry["threshold"], None) if lower else (None, entry["threshold"])
    return Metric(
        name=str(entry["name"]),
        least=None if least is None else float(least),
        most=None if most is None else float(most),
    )
