"""How much the bot weighs at rest, and how soon it is ready.

`python -m bench.footprint [--json]`
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.machine import bot, sandbox, until
from bench.world import adopt, control, quiet

RSS_TARGET = {False: 120, True: 180}
"""MB at rest, without and with a cluster."""
START_TARGET = 2.0
STARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """MB of resident memory at rest, and the median of the seconds from start to ready, on an existing journal too.

    start_cpu: the median of the CPU seconds of the later starts, which another load on the machine leaves alone.
    """

    cluster: bool
    rss: float
    first_start: float
    later_start: float
    start_cpu: float


def measure(folder: Path) -> list[Footprint]:
    """A bot without and one with a cluster, both beside the same sandbox."""
    found: list[Footprint] = []
    with sandbox(folder) as facts:
        for cluster in (False, True):
            here = folder / f"bot-{cluster}"
            with bot(here, facts, cluster=cluster) as running:
                first = running.started_in
                control(facts, "bot", {"url": running.url})
                if cluster:
                    adopt(running)
                until(lambda: quiet(running), "the bot is at rest")
                rss = running.rss()
            later, used = [], []
            for _ in range(STARTS):
                with bot(here, facts, cluster=cluster) as running:
                    later.append(running.started_in)
                    used.append(running.start_cpu)
                    time.sleep(0.2)
            found.append(
                Footprint(
                    cluster=cluster,
                    rss=rss,
                    first_start=first,
                    later_start=statistics.median(later),
                    start_cpu=statistics.median(used),
                )
            )
    return found


def table(found: list[Footprint]) -> str:
    """The figures, for people."""
    lines = []
    for one in found:
        name = "with a cluster" if one.cluster else "without a cluster"
        lines.append(f"{'resident memory at rest, ' + name:<56} {one.rss:>7.0f} MB   <= {RSS_TARGET[one.cluster]} MB")
        lines.append(
            f"{'start to ready, new journal, ' + name:<56} {one.first_start:>8.2f} s   <= {START_TARGET:.0f} s"
        )
        lines.append(f"{'start to ready, ' + name:<56} {one.later_start:>8.2f} s   <= {START_TARGET:.0f} s")
        lines.append(f"{'CPU of that, ' + name:<56} {one.start_cpu:>8.2f} s")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    print(json.dumps([asdict(one) for one in found]) if options.json else table(found))


if __name__ == "__main__":
    main()
