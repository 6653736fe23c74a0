"""A bot killed in the middle of a promotion ends in the same state, and writes nothing twice.

Twelve seeded points, three in each story; `SLUICE_CRASH_POINTS=all` kills at every write, before it and after it.
"""

import os
import random
from pathlib import Path

import pytest
from crashing import VERSION, Point, Scene, last_words, scene

from bot.demo.witness import Witness
from bot.positions import parse_release_file

WRITES = 20
"""The bot's writes to GitLab for one release through dev, staging and production, pushes included."""
IN_EACH_STORY = 3
SEED = 20260102


def stories() -> list[tuple[Point, ...]]:
    """Points in the order they are met, a few in each story."""
    every = [Point(write, when) for write in range(1, WRITES + 1) for when in ("before", "after")]
    shuffled = random.Random(SEED).sample(every, len(every))
    chosen = shuffled if os.environ.get("SLUICE_CRASH_POINTS") == "all" else shuffled[:12]
    return [tuple(sorted(chosen[at : at + IN_EACH_STORY])) for at in range(0, len(chosen), IN_EACH_STORY)]


@pytest.mark.crash
@pytest.mark.parametrize("points", stories(), ids=lambda points: "+".join(map(str, points)))
async def test_a_bot_killed_at_any_write_finishes_and_doubles_nothing(
    tmp_path: Path, points: tuple[Point, ...]
) -> None:
    async with scene(tmp_path) as acting:
        await acting.sandbox.release(VERSION, changes=["Greet people by their name"])

        for point in points:
            await acting.fall(point)
        await acting.finish()

        assert await acting.requests() == [
            ("sluice/production/demo-service", "merged"),
            ("sluice/staging/demo-service", "merged"),
        ], last_words(acting.victim.log)
        assert acting.doubled() == {}, last_words(acting.victim.log)
        await git_says(acting.witness, acting)
        await nothing_is_left(acting)


async def git_says(witness: Witness, acting: Scene) -> None:
    """A fresh clone names the release in both promoted environments."""
    folder = await witness.checkout()
    for environment in ("staging", "production"):
        found = parse_release_file((folder / f".sluice/releases/{environment}/demo-service.yaml").read_text("utf-8"))
        assert (found.version, found.commit) == (VERSION, await acting.sha())


async def nothing_is_left(acting: Scene) -> None:
    """No delivery is dead, no work was given up."""
    status = await acting.witness.bot(acting.victim.url, "status")
    assert status["deliveries"].get("dead", 0) == 0
    assert status["dead_work"] == 0
