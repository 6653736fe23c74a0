"""What a run of the services tier shows at its end, for people: build times, changes, traces, sampling."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaeger_traces import Trace
from service_builds import Build


@dataclass(slots=True)
class Shown:
    """Collected by fixtures and tests, in the order of the run."""

    builds: list[Build] = field(default_factory=list)
    replacements: list[str] = field(default_factory=list)
    trees: dict[str, list[str]] = field(default_factory=dict)
    sampling: list[str] = field(default_factory=list)

    def trace(self, heading: str, trace: Trace, *, only_hops: bool = False) -> None:
        """Show it as a tree under this heading; only_hops: without what happened inside of a process."""
        self.trees[heading] = trace.tree(only_hops=only_hops)

    def sections(self) -> Mapping[str, list[str]]:
        """Heading -> lines; what nobody collected is left out."""
        found = {
            "builds": [str(build) for build in self.builds],
            "what of the configurations is another outside a cluster": self.replacements,
            **{f"trace: {heading}": lines for heading, lines in self.trees.items()},
            "tail sampling": self.sampling,
        }
        return {heading: lines for heading, lines in found.items() if lines}
