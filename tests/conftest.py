"""What every tier shares: a PostgreSQL for the suites that run on both databases, and the table of crashes."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from postgresql_server import PostgresqlServer, find_binaries, running_postgresql

# How long an example takes says how busy the machine is, and no test is about that.
settings.register_profile("sluice", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sluice")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One temporary PostgreSQL for the whole run; skips visibly where none is installed, fails under CI."""
    binaries = find_binaries()
    if binaries is None:
        reason = "PostgreSQL is not installed: `apt-get install postgresql` (or put initdb on PATH) runs these tests"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with running_postgresql(binaries) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The SQLAlchemy URL (`postgresql+asyncpg://…`) of an empty database, dropped after the test."""
    url = postgresql_server.create_database()
    yield url
    postgresql_server.drop_database(url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the crash tests have seen, a line for each story."""
    seen = [
        (report.outcome, *values)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, values in getattr(report, "user_properties", [])
        if name == "crash"
    ]
    if not seen:
        return
    terminalreporter.section("crashes: same final state, nothing doubled, nothing lost")
    for outcome, ending, database, points in seen:
        terminalreporter.write_line(f"{outcome:<8}{ending:<12}{database:<12}{' '.join(points) or 'undisturbed'}")
