"""Failed work waits longer each time, never in step with others, and never shorter than it was asked to."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.journal.backoff import FLOOR, LONGEST, backoff

chances = st.floats(min_value=0, max_value=1, exclude_max=True)
attempts = st.integers(min_value=0, max_value=10_000)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (8, 128.0), (9, 150.0), (500, 150.0)]
)
def test_middle_of_the_jitter_doubles_until_the_longest(attempt: int, seconds: float) -> None:
    assert backoff(attempt, retry_after=None, chance=lambda: 0.5).total_seconds() == seconds


@given(attempt=attempts, chance=chances)
def test_wait_lies_between_floor_and_longest(attempt: int, chance: float) -> None:
    wait = backoff(attempt, retry_after=None, chance=lambda: chance)

    assert FLOOR <= wait <= LONGEST


@given(attempt=attempts, chance=chances, asked=st.integers(min_value=0, max_value=86_400))
def test_wait_is_never_shorter_than_the_server_asked(attempt: int, chance: float, asked: int) -> None:
    retry_after = timedelta(seconds=asked)

    wait = backoff(attempt, retry_after=retry_after, chance=lambda: chance)

    assert retry_after <= wait <= max(retry_after, FLOOR) + timedelta(seconds=1)


def test_two_that_failed_together_do_not_return_together() -> None:
    early = backoff(5, retry_after=None, chance=lambda: 0.2)
    late = backoff(5, retry_after=None, chance=lambda: 0.9)

    assert early < late
