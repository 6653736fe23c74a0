"""One promotion costs few GitLab writes, and thousands of Flux events that change nothing cost none.

`python -m bench.promotion [--json] [--events N]`
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import flux_events
from bench.machine import bot, sandbox, until
from bench.world import adopt, control, in_state, merge, quiet, ready_for_production, writes

WRITES_TARGET = 12
"""From the release seen to healthy, for one environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """GitLab writes (API requests and pushes) of one release on its way, and of `events` Flux events about nothing new.

    writes_per_promotion: all the bot's writes for dev, staging and production, over the two that had merge requests;
    an upper bound, since dev's statuses and deployment are in it. events_per_second: how fast they were posted and
    answered. cpu_per_event: microseconds of the bot's process until all were worked off.
    """

    writes_of_release: int
    writes_per_promotion: int
    writes_by_route: dict[str, int]
    reads_of_release: int
    events: int
    writes_of_events: int
    reads_of_events: int
    events_per_second: float
    cpu_per_event: float


def measure(folder: Path, events: int) -> Measured:
    """Take a release to production, then send the events."""
    with sandbox(folder) as facts, bot(folder / "bot", facts) as running:
        control(facts, "bot", {"url": running.url})
        adopt(running)
        control(facts, "counters/reset")
        control(facts, "releases", {"version": "1.1.0"})
        merge(facts, ready_for_production(facts))
        until(lambda: in_state(running, "production", "1.1.0", "done"), "1.1.0 healthy in production")
        until(lambda: quiet(running), "all is written")
        release = writes(facts)
        control(facts, "counters/reset")
        used = running.cpu()
        rate = flux_events.post(running.url, facts, events)
        until(lambda: quiet(running), "the events are worked off")
        after = writes(facts)
        total = release["by_user"]["sluice"]
        return Measured(
            writes_of_release=total,
            writes_per_promotion=-(-total // 2),
            writes_by_route=release["by_route"],
            reads_of_release=release["reads"],
            events=events,
            writes_of_events=after["by_user"].get("sluice", 0),
            reads_of_events=after["reads"],
            events_per_second=rate,
            cpu_per_event=(running.cpu() - used) / events * 1e6 if events else 0.0,
        )


def table(found: Measured) -> str:
    """The figures, for people."""
    rows = [
        ("GitLab writes per promotion", str(found.writes_per_promotion), f"<= {WRITES_TARGET}"),
        ("GitLab writes of a release (dev, staging, production)", str(found.writes_of_release), ""),
        ("GitLab reads of a release", str(found.reads_of_release), ""),
        (f"GitLab writes of {found.events:,} no-op Flux events", str(found.writes_of_events), "0"),
        ("GitLab reads of these events", str(found.reads_of_events), ""),
        ("of these events taken in a second", f"{found.events_per_second:.0f}", ""),
        ("CPU of the bot for each event", f"{found.cpu_per_event:.0f} µs", ""),
    ]
    return "\n".join(f"{what:<56} {figure:>10}   {target}" for what, figure, target in rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=6000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.events)
    print(json.dumps(asdict(found)) if options.json else table(found))


if __name__ == "__main__":
    main()
