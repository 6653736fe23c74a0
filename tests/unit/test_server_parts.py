"""The small parts of the server: numbers as text."""

from bot.server_metrics import Family, Sample, render


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
