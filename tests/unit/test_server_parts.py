"""The small parts of the server: identities, traces, numbers as text."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.server_identity import delivery_id, trace_of
from bot.server_metrics import Family, Sample, render

START = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 10**16).map(lambda micros: START + timedelta(microseconds=micros))


@given(at=MOMENTS)
def test_a_delivery_id_is_a_version_7_uuid_of_its_time(at: datetime) -> None:
    identity = UUID(delivery_id(at))

    assert (identity.version, identity.variant) == (7, "specified in RFC 4122")
    assert identity.int >> 80 == (at - START) // timedelta(milliseconds=1)


@given(at=MOMENTS, later=st.integers(1, 10**9))
def test_delivery_ids_sort_by_time_to_the_microsecond(at: datetime, later: int) -> None:
    assert delivery_id(at) < delivery_id(at + timedelta(microseconds=later))


def test_two_deliveries_of_one_moment_have_different_ids() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)

    assert len({delivery_id(at) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-0-0-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    ],
)
def test_an_invalid_trace_is_replaced_by_a_fresh_one(header: str) -> None:
    first, second = trace_of(header), trace_of(header)

    assert first != header
    assert first != second
    assert trace_of(first) == first


def test_numbers_are_escaped_as_prometheus_reads_them() -> None:
    labelled = Sample(value=1.5, labels={"reason": 'a "quoted"\nback\\slash'})
    families = [
        Family(name="sluice_a_total", kind="counter", help="Two\nlines.", samples=(labelled,)),
        Family(name="sluice_b", kind="gauge", help="None.", samples=(Sample(value=3, labels={}),)),
    ]

    assert render(families) == (
        "# HELP sluice_a_total Two\\nlines.\n"
        "# TYPE sluice_a_total counter\n"
        'sluice_a_total{reason="a \\"quoted\\"\\nback\\\\slash"} 1.5\n'
        "# HELP sluice_b None.\n"
        "# TYPE sluice_b gauge\n"
        "sluice_b 3\n"
    )
