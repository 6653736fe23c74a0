"""What the manifests tier shows at its end: every overlay that was built and validated, and what Flux selects."""

from collections.abc import Iterator

import pytest

TITLES = {
    "overlay": "overlays built and valid, objects in each",
    "selection": "tags that Flux selects of those in tests/manifests/test_flux_tree_selection.py",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The lines that tests recorded, each under its title."""
    for name, title in TITLES.items():
        lines = sorted(recorded(terminalreporter, name))
        if not lines:
            continue
        terminalreporter.section(title)
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        for line in lines:
            terminalreporter.write_line(
                "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
            )
        if name == "overlay":
            terminalreporter.write_line(f"{len(lines)} overlays, {sum(int(line[-1]) for line in lines)} objects")


def recorded(terminalreporter: pytest.TerminalReporter, name: str) -> Iterator[tuple[str, ...]]:
    """What passed tests recorded under a name: columns with tabs between."""
    for report in terminalreporter.getreports("passed"):
        for key, text in getattr(report, "user_properties", []):
            if key == name:
                yield tuple(str(text).split("\t"))
