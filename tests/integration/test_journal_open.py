"""Opening a journal: the tables are what the code says, starters do not collide, and nothing acknowledged is lost."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from journal_cases import (
    SHOP,
    a_delivery,
    clock,
    journal,
    journal_url,
    migrated_database,
    migrated_file,
    take_one,
)
from sqlalchemy import Connection, text

import bot.journal.schema_records
from bot.clock import FixedClock
from bot.errors import PermanentError, TemporaryError
from bot.journal import Journal
from bot.journal.migrate import version
from bot.journal.migrations import HEAD
from bot.journal.migrations.upgrade import known_versions
from bot.journal.postgresql import PostgresqlEngine
from bot.journal.schema import metadata

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

REPOSITORY = Path(__file__).resolve().parents[2]


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/journal.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


async def test_migrated_tables_are_those_of_the_code(journal: Journal) -> None:
    assert "tenants" in metadata.tables
    assert bot.journal.schema_records.tenants.metadata is metadata
    assert await journal._read(differences) == []


async def test_comparison_of_tables_finds_a_missing_column(journal: Journal) -> None:
    await journal._write(lambda c: c.execute(text("ALTER TABLE tenants RENAME COLUMN fault TO flaw")))
    found = await journal._read(differences)
    await journal._write(lambda c: c.execute(text("ALTER TABLE tenants RENAME COLUMN flaw TO fault")))

    assert len(found) == 2


def test_newest_step_is_the_one_known_without_alembic() -> None:
    assert max(known_versions()) == HEAD


async def test_identity_survives_reopening(empty_url: str, clock: FixedClock) -> None:
    first = await Journal.open(empty_url, clock)
    await first.close()
    second = await Journal.open(empty_url, clock)
    await second.close()

    assert len(first.installation_id) == 32
    assert second.installation_id == first.installation_id


async def test_opening_again_does_not_import_alembic(migrated_file: Path) -> None:
    code = (
        "import asyncio, sys; from bot.clock import SystemClock; from bot.journal import Journal;"
        f"asyncio.run(Journal.open('sqlite:///{migrated_file}', SystemClock()));"
        "print('alembic' in sys.modules, 'asyncpg' in sys.modules)"
    )

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)

    assert finished.stdout.split() == ["False", "False"]


async def test_tables_of_a_newer_version_are_refused(journal_url: str, journal: Journal, clock: FixedClock) -> None:
    await journal._write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await journal.close()

    for read_only in (False, True):
        with pytest.raises(PermanentError, match="9999"):
            await Journal.open(journal_url, clock, read_only=read_only)

    if journal_url.startswith("postgresql"):
        await _set_version_back(journal_url)


async def test_starters_at_once_migrate_once(postgresql_url: str, clock: FixedClock) -> None:
    journals = await asyncio.gather(*(Journal.open(postgresql_url, clock) for _ in range(4)))

    assert len({journal.installation_id for journal in journals}) == 1
    assert await journals[0]._read(version) == HEAD
    await asyncio.gather(*(journal.close() for journal in journals))


async def test_second_process_on_the_same_file_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    code = (
        "import asyncio; from bot.clock import SystemClock; from bot.journal import Journal;"
        f"asyncio.run(Journal.open({url!r}, SystemClock()))"
    )
    first = await Journal.open(url, clock)

    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False)

    await first.close()
    third = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert second.returncode != 0
    assert f"PermanentError: the journal {tmp_path}/journal.db is in use by process {os.getpid()}" in second.stderr
    assert third.returncode == 0, third.stderr


async def test_what_a_killed_process_held_on_sqlite_is_free_at_once_and_counts_as_failed(
    tmp_path: Path, clock: FixedClock
) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    killed = await Journal.open(url, clock)
    await killed.dirty([SHOP], because="resync")
    old = await take_one(killed)
    await killed.close()

    reopened = await Journal.open(url, clock)
    claim = await take_one(reopened, "worker-2")
    await reopened.close()

    assert (claim.fence, claim.attempts, claim.from_seq, claim.to_seq) == (old.fence + 1, 1, 0, 1)


async def test_reading_beside_the_owner_is_allowed_and_writing_is_not(
    journal_url: str, journal: Journal, clock: FixedClock
) -> None:
    await journal.put(a_delivery(clock))
    reader = await Journal.open(journal_url, clock, read_only=True)

    counts = await reader.counts()

    with pytest.raises(PermanentError, match="reading only"):
        await reader.dirty([SHOP], because="resync")
    with pytest.raises(PermanentError, match="reading only"):
        await reader.touch()
    await reader.close()
    assert counts == {"received": 1}
    assert reader.installation_id == journal.installation_id


async def test_reading_works_when_no_owner_runs(journal_url: str, journal: Journal, clock: FixedClock) -> None:
    await journal.put(a_delivery(clock))
    await journal.close()

    reader = await Journal.open(journal_url, clock, read_only=True)

    assert await reader.counts() == {"received": 1}
    await reader.close()


async def test_reading_where_nothing_is_makes_no_file(tmp_path: Path, clock: FixedClock) -> None:
    with pytest.raises(PermanentError, match="no journal"):
        await Journal.open(f"sqlite:///{tmp_path}/journal.db", clock, read_only=True)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["mysql://root:s3cret@db/sluice", "sqlite://", "sqlite:///:memory:", "no url", "oracle+x://u:s3cret@h"]
)
async def test_unknown_databases_are_refused_without_echoing_the_url(url: str, clock: FixedClock) -> None:
    with pytest.raises(PermanentError) as refused:
        await Journal.open(url, clock)

    assert "s3cret" not in str(refused.value)


async def test_unreachable_postgresql_is_a_temporary_error(clock: FixedClock) -> None:
    with pytest.raises(TemporaryError) as refused:
        await Journal.open("postgresql://sluice:s3cret@127.0.0.1:1/sluice", clock)

    assert "s3cret" not in str(refused.value)


async def test_database_that_does_not_exist_is_a_permanent_error(postgresql_url: str, clock: FixedClock) -> None:
    with pytest.raises(PermanentError, match="journal's URL"):
        await Journal.open(postgresql_url + "_missing", clock)


async def test_user_that_does_not_exist_is_a_permanent_error(postgresql_url: str, clock: FixedClock) -> None:
    with pytest.raises(PermanentError, match="journal's URL") as refused:
        await Journal.open(postgresql_url.replace("postgres@", "nobody:s3cret@"), clock)

    assert "s3cret" not in str(refused.value)


async def test_file_that_is_no_database_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database " * 1000)

    with pytest.raises(PermanentError, match="not a database"):
        await Journal.open(f"sqlite:///{tmp_path}/journal.db", clock)


async def test_file_belongs_to_its_owner_alone(tmp_path: Path, clock: FixedClock) -> None:
    opened = await Journal.open(f"sqlite:///{tmp_path}/journal.db", clock)
    await opened.put(a_delivery(clock))

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    await opened.close()
    assert modes["journal.db-wal"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_failing_closure_spoils_neither_its_neighbours_nor_the_writer(journal: Journal) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("UPDATE counters SET value = value + 1000"))
        raise ValueError("mine alone")

    answers = await asyncio.gather(
        journal.dirty([SHOP], because="before"),
        journal._write(fail),
        journal.dirty([SHOP], because="after"),
        return_exceptions=True,
    )

    assert sorted(answer for answer in answers if isinstance(answer, int)) == [1, 2]
    assert [str(answer) for answer in answers if isinstance(answer, ValueError)] == ["mine alone"]
    assert (await take_one(journal)).to_seq == 2


async def test_failing_closure_alone_leaves_nothing_and_the_writer_goes_on(journal: Journal) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("UPDATE counters SET value = value + 1000"))
        raise ValueError("mine alone")

    with pytest.raises(ValueError, match="mine alone"):
        await journal._write(fail)

    assert await journal.dirty([SHOP], because="after") == 1


async def test_file_locked_by_a_stranger_is_a_temporary_error(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.journal.sqlite.BUSY_MILLISECONDS", 10)
    opened = await Journal.open(f"sqlite:///{tmp_path}/journal.db", clock)
    stranger = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")

    with pytest.raises(TemporaryError, match="locked"):
        await opened.put(a_delivery(clock))
    with pytest.raises(TemporaryError, match="locked"):
        await opened.touch()

    stranger.execute("ROLLBACK")
    stranger.close()
    await opened.touch()
    await opened.put(a_delivery(clock))
    assert await opened.counts() == {"received": 1}
    await opened.close()


async def test_closing_answers_what_is_queued(journal_url: str, journal: Journal, clock: FixedClock) -> None:
    puts = [asyncio.ensure_future(journal.put(a_delivery(clock))) for _ in range(20)]
    await asyncio.sleep(0)

    await journal.close()

    receipts = await asyncio.gather(*puts)
    reader = await Journal.open(journal_url, clock, read_only=True)
    assert not any(receipt.duplicate for receipt in receipts)
    assert await reader.counts() == {"received": 20}
    await reader.close()


@pytest.mark.parametrize("acknowledged", [1, 37, 400])
async def test_everything_acknowledged_before_kill_9_is_there(
    journal_url: str, clock: FixedClock, acknowledged: int
) -> None:
    program = [sys.executable, str(REPOSITORY / "tests" / "journal_process.py"), journal_url]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(acknowledged)]

    process.send_signal(signal.SIGKILL)
    # The last line may be cut short.
    told += process.stdout.read().split("\n")[:-1]
    process.wait()

    reopened = await Journal.open(journal_url, clock)
    stored = {delivery.id for delivery in await reopened.deliveries(limit=100_000)}
    await reopened.close()
    assert len(told) >= acknowledged
    assert set(told) <= stored


async def _set_version_back(url: str) -> None:
    engine = PostgresqlEngine(url.replace("+asyncpg", ""), read_only=False)
    await engine.write(lambda c: c.execute(text(f"UPDATE alembic_version SET version_num = '{HEAD}'")))
    await engine.close()
