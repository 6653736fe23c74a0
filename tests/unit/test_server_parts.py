"""The small parts of the server: traces, numbers as text."""

import pytest

from bot.server_metrics import Family, Sample, render
from bot.server_traces import trace_of


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
