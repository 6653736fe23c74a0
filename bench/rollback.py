"""How soon a release whose canary failed is taken back in Git, beside what a plain git client needs for one commit.

Latency: from the moment the canary's status says Failed until GitLab has the rollback's commit on main. Both sides end
at the same file's time. `python -m bench.rollback [--json] [--rollbacks N]`
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.git_client import GitClient
from bench.machine import Bot, bot, sandbox, until
from bench.observing import Seen, watching
from bench.world import adopt, control, counters, gitlab, merge, of_bot, quiet, ready_for_production

SAID = "Sluice-Effect: rollback:"
"""The trailer of the commit that takes a release back."""
CANARY = {"namespace": "production", "name": "demo-service"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """One release taken back. seconds, plain: until its commit, and the plain client's right after it, was received.

    writes: GitLab writes of the bot since the failure. writes_before: those of the same release from seen to failed.
    """

    seconds: float
    plain: float
    writes: int
    writes_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Seconds of several rollbacks, `each` in their order.

    ratio: the median of each one against the plain client's commit right after it.
    """

    events: bool
    rollbacks: int
    each: list[float]
    median: float
    least: float
    most: float
    plain: float
    ratio: float
    writes: int
    writes_before: int


@dataclass(frozen=True, slots=True)
class World:
    """A sandbox, a bot that acts in it, and who watches."""

    facts: Mapping[str, Any]
    running: Bot
    seen: Seen
    client: GitClient


def measure(folder: Path, count: int) -> list[Row]:
    """Rollbacks with events and without them, in turns."""
    with sandbox(folder) as facts, bot(folder / "bot", facts) as running:
        control(facts, "bot", {"url": running.url})
        adopt(running)
        with watching(folder, facts, gitlab(facts)["id"]) as seen:
            world = World(facts, running, seen, GitClient.clone(folder / "clone", facts))
            found: dict[bool, list[Rollback]] = {True: [], False: []}
            for number in range(2 * count):
                events = number % 2 == 0
                found[events].append(take_back(world, f"1.1.{number}", events=events))
            return [row(found[events], events=events) for events in (True, False)]


def take_back(world: World, version: str, *, events: bool) -> Rollback:
    """Bring a bad release into production and see it taken back, told everywhere, then commit by the plain client."""
    facts = world.facts
    control(facts, "counters/reset")
    control(facts, "canaries", {**CANARY, "outcome": "fail", "image": f"{version}-prod"})
    control(facts, "releases", {"version": version})
    request = ready_for_production(facts)
    until(lambda: quiet(world.running), "all is said about the merge request")
    began = time.time()
    with nullcontext() if events else silence(facts):
        merge(facts, request)
        failed = until(lambda: world.seen.failed_after(began), f"the canary of {version} fails")
        before = of_bot(facts)
        moved = until(lambda: world.seen.moved_after(failed, SAID), f"{version} is taken back")
    until(lambda: quiet(world.running), "everybody is told")
    after = of_bot(facts)
    plain = world.client.measure(world.seen, int(moved.at))
    until(lambda: quiet(world.running), "the plain commit is looked at")
    return Rollback(seconds=moved.at - failed, plain=plain, writes=after - before, writes_before=before)


@contextmanager
def silence(facts: Mapping[str, Any]) -> Iterator[None]:
    """No event of Flux or Flagger arrives within: the bot has its watches and looks, and Flagger's questions."""
    control(facts, "hooks", {"target": "flux", "drop": 1.0})
    control(facts, "hooks", {"target": "flagger", "drop": True})
    before = counters(facts)["flux"].get("sent", 0)
    yield
    if counters(facts)["flux"].get("sent", 0) != before:
        raise RuntimeError("Flux was heard though it should not be: nothing was measured")
    control(facts, "hooks", {"target": "flux"})
    control(facts, "hooks", {"target": "flagger"})


def row(found: list[Rollback], *, events: bool) -> Row:
    """The medians."""
    seconds = [one.seconds for one in found]
    return Row(
        events=events,
        rollbacks=len(found),
        each=[round(one, 3) for one in seconds],
        median=statistics.median(seconds),
        least=min(seconds),
        most=max(seconds),
        plain=statistics.median(one.plain for one in found),
        ratio=statistics.median(one.seconds / one.plain for one in found),
        writes=max(one.writes for one in found),
        writes_before=max(one.writes_before for one in found),
    )


def table(rows: list[Row]) -> str:
    """The figures, for people."""
    head = ("failed to rolled back on main", "times", "median s", "least", "most", "plain git s", "ratio")
    lines = ["{:<34}{:>7}{:>10}{:>8}{:>8}{:>13}{:>8}".format(*head)]
    for one in rows:
        name = "with events" if one.events else "without events, by watch and look"
        lines.append(
            f"{name:<34}{one.rollbacks:>7}{one.median:>10.2f}{one.least:>8.2f}{one.most:>8.2f}"
            f"{one.plain:>13.2f}{one.ratio:>8.1f}"
        )
    for one in rows:
        name = "with events" if one.events else "without events"
        lines.append(f"{'GitLab writes of a rollback, at most, ' + name:<56} {one.writes:>10}")
        lines.append(f"{'GitLab writes of its release before that, ' + name:<56} {one.writes_before:>10}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rollbacks", type=int, default=5, help="with events, and as many without")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.rollbacks)
    print(json.dumps([asdict(one) for one in found]) if options.json else table(found))


if __name__ == "__main__":
    main()
