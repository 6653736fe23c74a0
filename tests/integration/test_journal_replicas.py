"""Replicas on one PostgreSQL: they share the work, wake each other, and outlive a lost connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from journal_cases import LEASE, SHOP, START, a_delivery, clock, migrated_database, says, take

from bot.clock import FixedClock
from bot.errors import TemporaryError
from bot.journal import Journal
from bot.keys import ApplicationKey

__all__ = ["clock", "migrated_database"]

LONG = timedelta(seconds=20)
KEYS = [ApplicationKey("acme", f"app-{number:02}") for number in range(30)]


@pytest.fixture
async def replicas(postgresql_url: str, clock: FixedClock) -> AsyncIterator[tuple[Journal, Journal]]:
    """Two journals on one database."""
    one, other = await Journal.open(postgresql_url, clock), await Journal.open(postgresql_url, clock)
    yield one, other
    await one.close()
    await other.close()


async def cut_connections(url: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def hear(journal: Journal) -> None:
    """Return once the journal listens: its listener rings when it is connected."""
    await journal.wait(None)
    async with asyncio.timeout(LONG.total_seconds()):
        while not await journal.wait(timedelta(milliseconds=10)):
            await journal._write(lambda c: c.exec_driver_sql("NOTIFY sluice_journal"))


async def drain(journal: Journal) -> None:
    while await journal.wait(timedelta(milliseconds=50)):
        continue


async def test_both_are_one_installation(replicas: tuple[Journal, Journal]) -> None:
    one, other = replicas

    assert one.installation_id == other.installation_id


async def test_delivery_to_one_wakes_the_other(replicas: tuple[Journal, Journal], clock: FixedClock) -> None:
    one, other = replicas
    await hear(other)
    await drain(other)

    waiting = asyncio.create_task(_woken(other))
    await asyncio.sleep(0)
    await one.put(a_delivery(clock))

    assert await waiting


async def test_dirty_key_of_one_wakes_the_other_which_claims_it(replicas: tuple[Journal, Journal]) -> None:
    one, other = replicas
    await hear(other)
    await drain(other)

    await one.dirty([SHOP], because="resync")

    assert await other.wait(timedelta(seconds=4))
    assert [claim.key for claim in await take(other, "replica-2")] == [SHOP]


async def test_replicas_share_keys_without_overlap(replicas: tuple[Journal, Journal]) -> None:
    await replicas[0].dirty(KEYS, because="resync")

    shares = await asyncio.gather(*(take(replicas[turn % 2], f"replica-{turn % 2}", limit=4) for turn in range(16)))

    claimed = [claim.key for share in shares for claim in share]
    rest = [claim.key for claim in await take(replicas[0], limit=30)]
    assert sorted(claimed + rest) == KEYS


async def test_replicas_digest_each_delivery_once(replicas: tuple[Journal, Journal], clock: FixedClock) -> None:
    sent = [a_delivery(clock) for _ in range(60)]
    await asyncio.gather(*(replicas[turn % 2].put(delivery) for turn, delivery in enumerate(sent)))

    taken = await asyncio.gather(
        *(replicas[turn % 2].digest(lambda delivery: says(delivery.id, SHOP), limit=10) for turn in range(12))
    )
    while more := await replicas[0].digest(lambda delivery: says(delivery.id, SHOP)):
        taken.append(more)

    (claim,) = await take(replicas[0])
    assert sum(taken) == 60
    assert sorted(claim.causes) == sorted(delivery.id for delivery in sent)


async def test_same_deliveries_sent_to_both_in_opposite_orders_are_stored_once(
    replicas: tuple[Journal, Journal], clock: FixedClock
) -> None:
    names = [f"same-{turn}" for turn in range(50)]
    one = [replicas[0].put(a_delivery(clock, idempotency_key=name)) for name in names]
    other = [replicas[1].put(a_delivery(clock, idempotency_key=name)) for name in reversed(names)]

    receipts = await asyncio.gather(*one, *other)

    assert (await replicas[0].counts()) == {"received": 50}
    assert len({receipt.id for receipt in receipts}) == 50
    assert sum(receipt.duplicate for receipt in receipts) == 50


async def test_section_is_exclusive_across_replicas(replicas: tuple[Journal, Journal]) -> None:
    async with replicas[0].exclusive("merge:acme/main", "replica-1", LEASE):
        with pytest.raises(TemporaryError):
            async with replicas[1].exclusive("merge:acme/main", "replica-2", LEASE):
                pytest.fail("two were inside")


async def test_deliveries_are_stored_although_the_connection_was_cut(
    replicas: tuple[Journal, Journal], postgresql_url: str, clock: FixedClock
) -> None:
    one, _ = replicas
    await one.put(a_delivery(clock))
    await cut_connections(postgresql_url)

    receipt = await one.put(a_delivery(clock))

    assert not receipt.duplicate


async def test_closures_fail_at_most_temporarily_when_connections_are_cut(
    replicas: tuple[Journal, Journal], postgresql_url: str
) -> None:
    one, _ = replicas
    await cut_connections(postgresql_url)
    errors = 0

    while True:
        try:
            await one.dirty([SHOP], because="resync")
        except TemporaryError:
            errors += 1
            continue
        break

    assert errors <= 2


async def test_listener_comes_back_after_its_connection_was_cut(
    replicas: tuple[Journal, Journal], postgresql_url: str
) -> None:
    one, other = replicas
    await hear(other)
    await cut_connections(postgresql_url)

    async def until_heard() -> None:
        await drain(other)
        while not await _rung_by(one, other):
            await drain(other)

    async with asyncio.timeout(LONG.total_seconds()):
        await until_heard()


async def _woken(journal: Journal) -> bool:
    return await journal.wait(LONG)


async def _rung_by(one: Journal, other: Journal) -> bool:
    try:
        await one.dirty([SHOP], because="resync")
    except TemporaryError:
        return False
    return await other.wait(timedelta(seconds=1))


async def test_slow_poll_ends_a_wait_nobody_rings(
    replicas: tuple[Journal, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = replicas
    monkeypatch.setattr(one._wakeups, "_poll_every", timedelta(milliseconds=5))
    await drain(one)

    assert not await one.wait(None)
    assert one._clock.now() == START
