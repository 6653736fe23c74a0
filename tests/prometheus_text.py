"""What a Prometheus scrapes, as samples, and the selectors of PromQL queries looked up in it.

Not PromQL: it answers which series a selector would take, by the rules that count here (a pattern is anchored at both
ends, a label that is missing is empty). https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)(?: \d+)?")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
SELECTOR = re.compile(r'(?P<name>[a-zA-Z_:][\w:]*)\{(?P<matchers>(?:[^}"]|"(?:[^"\\]|\\.)*")*)\}')
MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line of the text format."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A metric's name and the matchers in its braces, as (label, operator, value)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def takes(self, sample: Sample) -> bool:
        """Whether Prometheus would select this series."""
        return sample.name == self.name and all(_matches(sample.labels, *matcher) for matcher in self.matchers)

    def of(self, samples: list[Sample]) -> list[Sample]:
        """The samples it takes."""
        return [sample for sample in samples if self.takes(sample)]


def samples(text: str) -> list[Sample]:
    """Every sample of a scrape, in its order."""
    return list(_samples(text))


def selectors(query: str) -> list[Selector]:
    """Every `metric{…}` of a query."""
    return [
        Selector(name=found["name"], matchers=tuple(MATCHER.findall(found["matchers"])))
        for found in SELECTOR.finditer(query)
    ]


def _samples(text: str) -> Iterator[Sample]:
    for line in text.splitlines():
        found = SAMPLE.match(line)
        if found is not None and not line.startswith("#"):
            labels = {key: _unescaped(value) for key, value in LABEL.findall(found["labels"] or "")}
            yield Sample(name=found["name"], labels=labels, value=float(found["value"]))


def _matches(labels: Mapping[str, str], label: str, operator: str, value: str) -> bool:
    found = labels.get(label, "")
    match operator:
        case "=":
            return found == value
        case "!=":
            return found != value
        case "=~":
            return re.fullmatch(value, found) is not None
        case "!~":
            return re.fullmatch(value, found) is None
        case _:
            raise ValueError(f"{operator} is no operator of a matcher")


def _unescaped(value: str) -> str:
    return value.replace(r"\"", '"').replace(r"\n", "\n").replace(r"\\", "\\")
