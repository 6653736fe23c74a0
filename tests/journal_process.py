"""A process that stores deliveries until it is killed: prints each id once it was acknowledged. URL is its argument."""

import asyncio
import sys
from itertools import count

from bot.clock import SystemClock
from bot.events import Delivery
from bot.journal import Journal, delivery_id

CLIENTS = 8


async def store_for_ever(url: str) -> None:
    """Put deliveries from several clients at once, each as soon as its last one was acknowledged."""
    clock = SystemClock()
    journal = await Journal.open(url, clock)
    await asyncio.gather(*(_client(journal, clock, number) for number in range(CLIENTS)))


async def _client(journal: Journal, clock: SystemClock, number: int) -> None:
    for turn in count():
        delivery = Delivery(
            id=delivery_id(clock.now()),
            endpoint="gitlab",
            idempotency_key=f"{number}-{turn}",
            received_at=clock.now(),
            headers={},
            body=bytes(6000),
            scope="instance",
        )
        receipt = await journal.put(delivery)
        print(receipt.id, flush=True)


if __name__ == "__main__":
    asyncio.run(store_for_ever(sys.argv[1]))
