"""Counters and gauges in Prometheus' text format 0.0.4, without a client library of its own registry and locks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number with its labels."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All samples of one name. `name` ends in its unit, a counter's in `_total` (Prometheus naming)."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: tuple[Sample, ...]


class ReceivedCounter:
    """How many requests each kind of endpoint answered, and how."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, source: str, outcome: str) -> None:
        """Count one answer: `accepted`, `duplicate`, or the code of the refusal."""
        self._counts[source, outcome] += 1

    def families(self) -> Iterable[Family]:
        """The one family this keeps."""
        samples = tuple(
            Sample(value=value, labels={"source": source, "outcome": outcome})
            for (source, outcome), value in sorted(self._counts.items())
        )
        help_text = "Requests to hooks and gates by sender and answer."
        yield Family(name="sluice_deliveries_received_total", kind="counter", help=help_text, samples=samples)


def render(families: Iterable[Family]) -> str:
    """The families as text, each with its help and type."""
    return "".join(line + "\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for sample in family.samples:
        labels = ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in sample.labels.items())
        yield f"{family.name}{{{labels}}} {sample.value:g}" if labels else f"{family.name} {sample.value:g}"


def _escaped(text: str, *, quote: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quote else escaped
