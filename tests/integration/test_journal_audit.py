"""The audit trail on both databases: sealed in turn, and every change of a sealed row is found."""

import asyncio
from collections.abc import Callable

import pytest
from journal_cases import SHOP, clock, journal, journal_url, migrated_database, migrated_file
from sqlalchemy import Connection, delete, insert, select, update

from bot.journal import Journal
from bot.journal.audit import GENESIS
from bot.journal.schema import audit

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]


async def sealed(journal: Journal, rows: int = 5) -> None:
    for number in range(rows):
        await journal.audit(str(SHOP), "approval", b'{"number": %d}' % number)
    await journal.seal_audit()


async def test_sealed_rows_verify_and_the_head_moves(journal: Journal) -> None:
    before = await journal.audit_head()

    await sealed(journal)

    report = await journal.verify_audit()
    assert (before.seq, before.hash) == (0, GENESIS)
    assert (report.rows, report.broken_at, report.unsealed) == (5, None, 0)
    assert report.head == await journal.audit_head()


async def test_rows_written_since_are_counted_as_unsealed(journal: Journal) -> None:
    await sealed(journal)

    await journal.audit(str(SHOP), "approval", b"{}")

    assert (await journal.verify_audit()).unsealed == 1


async def test_sealing_goes_on_where_it_stopped(journal: Journal) -> None:
    for _ in range(5):
        await journal.audit(str(SHOP), "approval", b"{}")

    counts = [await journal.seal_audit(limit=2) for _ in range(4)]

    assert counts == [2, 2, 1, 0]
    assert (await journal.verify_audit()).rows == 5


async def test_sealers_at_once_take_turns(journal: Journal) -> None:
    for _ in range(20):
        await journal.audit(str(SHOP), "approval", b"{}")

    counts = await asyncio.gather(*(journal.seal_audit(limit=7) for _ in range(4)))

    report = await journal.verify_audit()
    assert sum(counts) == 20
    assert (report.rows, report.broken_at) == (20, None)


def change_payload(connection: Connection) -> None:
    connection.execute(update(audit).where(audit.c.seq == 3).values(payload=b'{"number": 99}'))


def change_subject(connection: Connection) -> None:
    connection.execute(update(audit).where(audit.c.seq == 3).values(subject="app:acme/cart"))


def take_out(connection: Connection) -> None:
    connection.execute(delete(audit).where(audit.c.seq == 3))


def cut_off(connection: Connection) -> None:
    connection.execute(delete(audit).where(audit.c.seq >= 3))


def forge(connection: Connection) -> None:
    row = connection.execute(select(audit).where(audit.c.seq == 2)).one()._asdict()
    connection.execute(delete(audit).where(audit.c.seq == 3))
    connection.execute(insert(audit).values({**row, "id": 1000, "seq": 3}))


@pytest.mark.parametrize("tamper", [change_payload, change_subject, take_out, cut_off, forge])
async def test_tampering_is_found_at_its_row(journal: Journal, tamper: Callable[[Connection], None]) -> None:
    await sealed(journal)

    await journal._write(tamper)

    report = await journal.verify_audit()
    assert (report.rows, report.broken_at) == (2, 3)
    assert report.because
