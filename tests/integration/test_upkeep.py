"""Upkeep seals all of the audit there is, however much that is."""

from pathlib import Path

from bot.clock import SystemClock
from bot.journal import Journal
from bot.upkeep import Upkeep


async def test_upkeep_seals_every_row_of_the_audit(tmp_path: Path) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path}/journal.db", SystemClock())
    try:
        for number in range(600):
            await journal.audit("app:demo/shop", "test", str(number).encode())

        await Upkeep(journal=journal, clock=SystemClock()).tidy()

        report = await journal.verify_audit()
        assert (report.rows, report.unsealed, report.broken_at) == (600, 0, None)
    finally:
        await journal.close()
