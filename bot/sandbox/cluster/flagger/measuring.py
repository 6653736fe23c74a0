"""What the metric checks of one tick say: nothing when all passes, else the sentence of the first failing check."""

from typing import Literal

from bot.sandbox.cluster.durations import go_duration
from bot.sandbox.cluster.flagger.plans import BUILT_IN, Metric, Plan

Outcome = Literal["succeed", "fail", "no-data", "query-failed", "hang"]
"""What becomes of a canary: it passes, is measured as bad, cannot be measured (two ways), or never comes up."""
NO_VALUES = "no values found"
REFUSED = 'running query failed: request failed: Post "http://prometheus:9090/api/v1/query": connection refused'


def complaint(plan: Plan, outcome: Outcome, *, name: str, namespace: str) -> str | None:
    """The message of the failing metric check, None when every check passes.

    Source: Flagger, pkg/controller/scheduler_metrics.go (built-in metrics are checked before templated ones).
    """
    if outcome in ("succeed", "hang") or not plan.metrics:
        return None
    metric = min(plan.metrics, key=lambda one: one.name not in BUILT_IN)
    match outcome:
        case "no-data":
            return _no_data(plan, metric, namespace)
        case "query-failed":
            built_in = f"Prometheus query failed: {REFUSED}"
            return built_in if metric.name in BUILT_IN else f"Metric query failed for {metric.name}: {REFUSED}"
        case _:
            return f"Halt {name}.{namespace} advancement {_measured(metric)}"


def _no_data(plan: Plan, metric: Metric, namespace: str) -> str:
    if metric.name not in BUILT_IN:
        return f"Halt advancement no values found for custom metric: {metric.name}: {NO_VALUES}"
    words = f"Halt advancement no values found for {plan.provider} metric {metric.name}"
    return f"{words} probably {plan.target}.{namespace} is not receiving traffic: running query failed: {NO_VALUES}"


def _measured(metric: Metric) -> str:
    """The comparison that failed, in the three shapes Flagger writes it."""
    sign, bound = ("<", metric.least) if metric.least is not None else (">", metric.most or 0.0)
    below = 50.0 if bound > 50.0 else bound / 2
    value = below if sign == "<" else bound * 2
    match metric.name:
        case "request-success-rate":
            return f"success rate {value:.2f}% {sign} {bound:g}%"
        case "request-duration":
            return f"request duration {go_duration(value / 1000)} {sign} {go_duration(bound / 1000)}"
        case _:
            return f"{metric.name} {value:.2f} {sign} {bound:g}"
