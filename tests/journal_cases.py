"""What every test of the journal builds on: a journal on each database, a standing clock, deliveries to put."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.clock import FixedClock
from bot.events import Delivery, Parsed, Understood
from bot.journal import Claim, Journal, delivery_id
from bot.keys import ApplicationKey, Key

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SHOP = ApplicationKey("acme", "shop")
CART = ApplicationKey("acme", "cart")
_numbers = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty journal, on each of the two databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at START until the test moves it."""
    return FixedClock(START)


@pytest.fixture
async def journal(journal_url: str, clock: FixedClock) -> AsyncIterator[Journal]:
    """An open journal, empty."""
    opened = await Journal.open(journal_url, clock, chance=lambda: 0.5)
    yield opened
    await opened.close()


def a_delivery(clock: FixedClock, **changes: object) -> Delivery:
    """A delivery nobody sent before, received now."""
    number = next(_numbers)
    made = Delivery(
        id=delivery_id(clock.now()),
        endpoint="gitlab",
        idempotency_key=f"key-{number}",
        received_at=clock.now(),
        headers={"x-gitlab-event": "Push Hook"},
        body=b'{"number": %d}' % number,
        scope="instance",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the tests name the fields they change


def says(meaning: str, *keys: Key) -> tuple[Parsed, tuple[Key, ...]]:
    """What a parser answers that understood a delivery to be about these keys."""
    return Understood(events=(), semantic_key=meaning), keys


async def take(journal: Journal, owner: str = "worker-1", limit: int = 10) -> list[Claim]:
    """Claim what is due for half a minute."""
    return await journal.claim(owner, lease=LEASE, limit=limit)


async def take_one(journal: Journal, owner: str = "worker-1") -> Claim:
    """Claim the one key that is due."""
    (claim,) = await take(journal, owner)
    return claim
