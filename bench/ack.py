"""A durable acknowledgement of a signed 6 KB GitLab delivery costs at most twice the CPU of a bare aiohttp handler.

The servers run as processes of their own and take turns under the same closed-loop client (another process), so the
ratio is of one run on one machine. CPU is user + system of the server process, all threads; PostgreSQL's own is not in.
"only appended" shows how little a durable answer can cost on this machine: one write and one fdatasync for a batch.
Whatever else runs there is felt most by servers that wait for a disk: they wake up with cold caches.
`python -m bench.ack [--json] [--rounds N] [--requests N] [--database postgresql://…]`
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

CONNECTIONS = (16, 1)
TARGET = 2.0
"""The ratio that is promised at 16 connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One server under load once: CPU in µs per request, requests per second, 99th percentile in ms."""

    cpu: float
    rate: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The medians of one server at one number of connections; `ratio` is of CPU against bare, round by round."""

    server: str
    connections: int
    cpu_us: float
    ratio: float
    per_second: float
    p99_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when the promise is broken."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        database = options.database or f"sqlite:///{Path(folder) / 'journal.db'}"
        rows = _measure(database, Path(folder) / "appended", rounds=options.rounds, requests=options.requests)
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        _print(rows)
    return 0 if all(row.ratio <= TARGET for row in rows if row.connections == max(CONNECTIONS)) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ack", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns per server and number of connections")
    parser.add_argument("--requests", type=int, default=3000, help="deliveries per turn (a quarter on 1 connection)")
    parser.add_argument("--database", default="", help="the journal's URL; a temporary SQLite file by default")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    return parser.parse_args(arguments)


def _measure(database: str, file: Path, *, rounds: int, requests: int) -> list[Row]:
    with contextlib.ExitStack() as stack:
        ports = {
            "bare aiohttp": stack.enter_context(_server("bare", "")),
            "sluice, stored nowhere": stack.enter_context(_server("unstored", "")),
            "sluice, only appended": stack.enter_context(_server("appended", str(file))),
            f"sluice, {database.partition(':')[0]}": stack.enter_context(_server("stored", database)),
        }
        return [row for connections in CONNECTIONS for row in _rows(ports, connections, rounds, requests)]


def _rows(ports: Mapping[str, int], connections: int, rounds: int, requests: int) -> list[Row]:
    count = requests if connections > 1 else requests // 4
    for port in ports.values():
        _turn(port, connections, count // 4)
    turns = [{name: _turn(port, connections, count) for name, port in ports.items()} for _ in range(rounds)]
    return [_row(name, connections, turns) for name in ports]


def _row(name: str, connections: int, turns: Sequence[dict[str, Turn]]) -> Row:
    own = [turn[name] for turn in turns]
    return Row(
        server=name,
        connections=connections,
        cpu_us=round(statistics.median(turn.cpu for turn in own), 1),
        ratio=round(statistics.median(turn[name].cpu / turn["bare aiohttp"].cpu for turn in turns), 2),
        per_second=round(statistics.median(turn.rate for turn in own)),
        p99_ms=round(statistics.median(turn.p99 for turn in own), 1),
    )


def _turn(port: int, connections: int, count: int) -> Turn:
    before = _cpu_seconds(port)
    command = [sys.executable, "-m", "bench.ack_client", str(port), str(connections), str(count)]
    load = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    spent = _cpu_seconds(port) - before
    return Turn(cpu=spent / count * 1e6, rate=load["rate"], p99=load["p99_ms"])


def _cpu_seconds(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/bench/cpu", timeout=10) as answer:
        return float(answer.read())


@contextlib.contextmanager
def _server(kind: str, database: str) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.ack_server", kind, database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def _print(rows: Sequence[Row]) -> None:
    print(f"{'server':<24}{'connections':>12}{'CPU µs/request':>16}{'ratio':>8}{'per second':>12}{'p99 ms':>8}")
    for row in rows:
        figures = f"{row.cpu_us:>16.1f}{row.ratio:>8.2f}{row.per_second:>12.0f}{row.p99_ms:>8.1f}"
        print(f"{row.server:<24}{row.connections:>12}{figures}")


if __name__ == "__main__":
    sys.exit(main())
