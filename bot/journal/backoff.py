"""How long failed work waits: doubling, with full jitter, and never shorter than who refused it asked for."""

from collections.abc import Callable
from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=5)
FLOOR = timedelta(seconds=1)
"""The shortest wait after a failure, also when a new event makes the same work due at once."""


def backoff(attempts: int, *, retry_after: timedelta | None, chance: Callable[[], float]) -> timedelta:
    """The wait after the attempt numbered `attempts` (from 1) failed; `chance` gives numbers in [0, 1).

    Full jitter: a random part of the doubled wait, so that what failed together does not return together.
    A server's own Retry-After is kept whole, with up to a second on top for the same reason.
    """
    if retry_after is not None:
        return max(retry_after, FLOOR) + chance() * timedelta(seconds=1)
    # Beyond 2**16 the cap holds anyway, and the multiplication must not overflow.
    doublings = min(max(attempts - 1, 0), 16)
    widest = min(FIRST * (1 << doublings), LONGEST)
    return max(widest * chance(), FLOOR)
