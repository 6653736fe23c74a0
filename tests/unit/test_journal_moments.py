"""Moments survive the database as they were, and sort as they happened."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.journal.moments import from_micros, to_micros

EARLIEST = datetime(1970, 1, 2, tzinfo=UTC).replace(tzinfo=None)
LATEST = datetime(9000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
moments = st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=st.timezones())


@given(moments)
def test_moment_comes_back_equal_and_in_utc(moment: datetime) -> None:
    back = from_micros(to_micros(moment))

    # Python never calls an hour that a zone has twice equal to one in another zone (PEP 495), so both are in UTC here.
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


@given(moments, moments)
def test_stored_moments_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    assert (to_micros(one) < to_micros(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


def test_same_moment_in_two_zones_is_stored_once() -> None:
    here = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=1)))

    assert to_micros(here) == to_micros(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


def test_naive_moment_is_refused() -> None:
    with pytest.raises(TypeError):
        to_micros(datetime(2026, 3, 2))  # noqa: DTZ001
