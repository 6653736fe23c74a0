"""What every test of the journal builds on: a journal on each database, a standing clock, deliveries to put."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from postgresql_server import PostgresqlServer

from bot.clock import FixedClock
from bot.events import Delivery, Reading, Understood
from bot.journal import Claim, Journal, delivery_id
from bot.journal.schema import metadata
from bot.keys import ApplicationKey, Key

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SHOP = ApplicationKey("acme", "shop")
CART = ApplicationKey("acme", "cart")
_numbers = count(1)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("journal") / "empty.db"
    _open_and_close(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """A PostgreSQL database with all tables, emptied before each use."""
    url = postgresql_server.create_database()
    _open_and_close(url)
    yield url
    postgresql_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty journal, on each of the two databases."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "journal.db")
        return f"sqlite:///{tmp_path}/journal.db"
    url: str = request.getfixturevalue("migrated_database")
    asyncio.run(_empty(url))
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


def says(meaning: str, *keys: Key) -> Reading:
    """What a parser answers that understood a delivery to be about these keys."""
    return Reading(parsed=Understood(events=(), semantic_key=meaning), keys=keys)


async def take(journal: Journal, owner: str = "worker-1", limit: int = 10) -> list[Claim]:
    """Claim what is due for half a minute."""
    return await journal.claim(owner, lease=LEASE, limit=limit)


async def take_one(journal: Journal, owner: str = "worker-1") -> Claim:
    """Claim the one key that is due."""
    (claim,) = await take(journal, owner)
    return claim


def _open_and_close(url: str) -> None:
    async def once() -> None:
        await (await Journal.open(url, FixedClock(START))).close()

    asyncio.run(once())


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    kept = ("alembic_version", "counters")
    tables = ", ".join(sorted(f'"{name}"' for name in metadata.tables if name not in kept))
    await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY; UPDATE counters SET value = 0")
    await connection.close()
