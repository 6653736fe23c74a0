"""Waiting inside the sandbox: look again until nothing hinders any more, but not for ever."""

import asyncio
from collections.abc import Callable
from itertools import count

PAUSE = 0.01


async def until_nothing_hinders(hindrance: Callable[[], str], *, patience: float) -> str:
    """Return an empty text as soon as `hindrance` does, or what it says after `patience` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    for _ in count():
        found = hindrance()
        if not found or loop.time() >= end:
            return found
        await asyncio.sleep(PAUSE)
    return ""
