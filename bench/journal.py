"""What the journal alone costs: storing a delivery of 6 KB, and taking one key from dirty to finished with its run.

CPU is user + system of this process, all threads; PostgreSQL's own is not in.
`python -m bench.journal [--count N] [--database URL]`; a temporary SQLite file by default.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from bot.clock import SystemClock
from bot.events import Delivery
from bot.journal import Journal, delivery_id
from bot.keys import ApplicationKey

CLOCK = SystemClock()
BODY = b"x" * 6000
LEASE = timedelta(minutes=1)

Step = Callable[[Journal, int], Awaitable[object]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="steps of each kind")
    parser.add_argument("--database", default="", help="the journal's URL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(options.database or f"sqlite:///{Path(folder) / 'journal.db'}", options.count))


async def measure(url: str, count: int) -> None:
    """Each step from 16 clients at once and from one, after a short warm-up."""
    journal = await Journal.open(url, CLOCK)
    print(f"{'step':<28}{'clients':>8}{'CPU µs':>10}{'per second':>12}")
    steps: dict[str, Step] = {"store a delivery": store, "dirty, claim, run, finish": cycle}
    for name, step in steps.items():
        for clients in (16, 1):
            await drive(journal, step, clients, clients * 10)
            cpu, seconds = await drive(journal, step, clients, count)
            print(f"{name:<28}{clients:>8}{cpu / count * 1e6:>10.0f}{count / seconds:>12.0f}")
    await journal.close()


async def drive(journal: Journal, step: Step, clients: int, count: int) -> tuple[float, float]:
    """CPU and wall seconds of `count` steps in a closed loop."""

    async def client(number: int) -> None:
        for _ in range(count // clients):
            await step(journal, number)

    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    return time.process_time() - cpu, time.perf_counter() - start


async def store(journal: Journal, client: int) -> None:
    """Put one delivery that was never sent before."""
    identity, now = delivery_id(CLOCK.now()), CLOCK.now()
    headers = {"x-gitlab-event": "Push Hook"}
    await journal.put(
        Delivery(
            id=identity,
            endpoint="gitlab",
            idempotency_key=identity,
            received_at=now,
            headers=headers,
            body=BODY,
            scope="instance",
        )
    )


async def cycle(journal: Journal, client: int) -> None:
    """One look at one key that finds nothing new; each client has a key of its own."""
    key = ApplicationKey("bench", f"application-{client}")
    await journal.dirty([key], because="bench")
    for claim in await journal.claim(f"client-{client}", lease=LEASE, limit=1):
        await journal.record_run(
            claim,
            handler="bench",
            subject=claim.key,
            facts=b'{"running":"1.2.3"}',
            policy=b"{}",
            now=CLOCK.now(),
            decision=b'{"kind":"skip"}',
            outcome="skip",
            because="nothing newer",
        )
        await journal.finish(claim, wake_at=None, because="nothing newer")


if __name__ == "__main__":
    main()
