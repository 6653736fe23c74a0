"""Bots killed or paused in the middle of a write end in the same state, and write nothing twice.

A few seeded points; `SLUICE_CRASH_POINTS=all` falls at every write, before it, after it, and with two replicas while
it is on its way. Each story's end is compared with one that nothing disturbed.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from crashing import VERSION, Database, Ending, Point, Scene, When, scene
from endings import Shipped, TakenBack, final_state
from postgresql_server import PostgresqlServer

from bot.demo import proofs
from bot.demo.history import repromotions_of_denied
from bot.demo.witness import until

EVERY = os.environ.get("SLUICE_CRASH_POINTS") == "all"
SEED = 20260102
OUTAGE = 600.0 if EVERY else 6.0
"""Seconds that GitLab is away."""
WRITES: dict[str, int] = {"promotion": 21, "rollback": 25}
"""The bot's writes to GitLab in each story, pushes included; a point past the last one falls at the end."""
IN_EACH_STORY = 5 if EVERY else 3
SEEDED: dict[tuple[str, Database], int] = {
    ("promotion", "sqlite"): 6,
    ("rollback", "sqlite"): 6,
    ("promotion", "postgresql"): 3,
    ("rollback", "postgresql"): 3,
}
ENDINGS: dict[str, Ending] = {"promotion": Shipped(), "rollback": TakenBack()}


@dataclass(frozen=True, slots=True)
class Story:
    """One run: what is to happen, over which database, and where it is disturbed."""

    ending: str
    database: Database
    points: tuple[Point, ...]

    def __str__(self) -> str:
        return f"{self.ending}-{self.database}-{'+'.join(map(str, self.points))}"


def stories() -> Iterator[Story]:
    """Points in the order they are met, a few in each story."""
    for (ending, database), seeded in SEEDED.items():
        ways: tuple[When, ...] = ("before", "after") if database == "sqlite" else ("before", "after", "paused")
        every = [Point(write, when) for write in range(1, WRITES[ending] + 1) for when in ways]
        shuffled = random.Random(f"{SEED} {ending} {database}").sample(every, len(every))
        chosen = shuffled if EVERY else shuffled[:seeded]
        for at in range(0, len(chosen), IN_EACH_STORY):
            yield Story(ending, database, tuple(sorted(chosen[at : at + IN_EACH_STORY])))


async def lost(acting: Scene) -> None:
    """No webhook of GitLab, Flux or Flagger arrives."""
    await acting.witness.control("hooks", {"target": "gitlab", "drop_all": True})
    await acting.witness.control("hooks", {"target": "flux", "drop": 1.0})
    await acting.witness.control("hooks", {"target": "flagger", "drop": True})


async def doubled_and_shuffled(acting: Scene) -> None:
    """Every webhook arrives twice, late and out of order."""
    gitlab = {"target": "gitlab", "duplicate": "second-hook", "delay": 0.1, "shuffle_within": 0.5}
    await acting.witness.control("hooks", gitlab)
    await acting.witness.control("hooks", {"target": "flux", "duplicate": 1.0, "delay": 0.1, "shuffle": 3, "seed": 7})


async def away(acting: Scene) -> None:
    """GitLab is away, Git included, from the moment that production's merge request has landed."""

    async def outage() -> None:
        await until("production's merge", lambda: acting.witness.merge_request("production", "merged"), patience=120)
        acting.trap.away = True
        await asyncio.sleep(OUTAGE)
        acting.trap.away = False

    acting.background.append(asyncio.create_task(outage()))


Trouble = Callable[[Scene], Awaitable[None]]
TROUBLES: dict[str, Trouble] = {
    "every event lost": lost,
    "every event doubled and shuffled": doubled_and_shuffled,
    f"GitLab away for {OUTAGE:.0f} s": away,
}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, Any]]:
    """The final state of each story as it ends by itself, once it was seen."""
    return {}


@pytest.mark.crash
@pytest.mark.parametrize("story", tuple(stories()), ids=str)
async def test_bots_that_fall_at_any_write_finish_and_double_nothing(
    tmp_path: Path,
    story: Story,
    postgresql_server: PostgresqlServer,
    undisturbed: dict[str, dict[str, Any]],
    record_property: Any,
) -> None:
    record_property("crash", (story.ending, story.database, [str(point) for point in story.points]))
    if story.ending not in undisturbed:
        undisturbed[story.ending] = await told(tmp_path / "undisturbed", Story(story.ending, "sqlite", ()), "")
    url = postgresql_server.create_database() if story.database == "postgresql" else ""

    found = await told(tmp_path / "disturbed", story, url)

    assert found == undisturbed[story.ending]


@pytest.mark.crash
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_lost_doubled_and_shuffled_events_and_an_outage_change_nothing(
    tmp_path: Path,
    ending: str,
    trouble: str,
    undisturbed: dict[str, dict[str, Any]],
    record_property: Any,
) -> None:
    record_property("crash", (ending, "sqlite", [trouble]))
    if ending not in undisturbed:
        undisturbed[ending] = await told(tmp_path / "undisturbed", Story(ending, "sqlite", ()), "")

    found = await told(tmp_path / "disturbed", Story(ending, "sqlite", ()), "", TROUBLES[trouble])

    assert found == undisturbed[ending]


async def told(folder: Path, story: Story, url: str, trouble: Trouble | None = None) -> dict[str, Any]:
    """The final state of a story, after it is shown that nothing was doubled, lost or given up."""
    ending = ENDINGS[story.ending]
    async with scene(folder, database=url, replicas=2 if url else 1) as acting:
        await proofs.canary_will(acting.witness, ending.canary)
        if trouble is not None:
            await trouble(acting)
        await acting.sandbox.release(VERSION, changes=["Greet people by their name"])
        for point in story.points:
            await acting.fall(point, ending)
        await acting.finish(ending)
        assert acting.doubled() == {}, acting.log
        await acting.nothing_is_left()
        await nothing_came_again(acting)
        return await final_state(acting)


async def nothing_came_again(acting: Scene) -> None:
    """No denied digest or tag returned to Git at any commit."""
    assert repromotions_of_denied(await acting.witness.history()) == 0, acting.log
