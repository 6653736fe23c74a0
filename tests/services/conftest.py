"""The tracing stack and the services under it, each started once for the run.

`tracing_stack` alone needs no Java and no Node: tests of other traced programs start no more than it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tools_at_hand import binary
from tracing_stack import TracingStack, running_tracing_stack


@pytest.fixture(scope="session")
def tracing_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TracingStack]:
    """A Collector with our configuration and a Jaeger behind it; skips without Go, fails without it under CI."""
    programs: dict[str, Path] = {name: binary(name) for name in ("collector", "jaeger")}
    folder = tmp_path_factory.mktemp("tracing")
    with running_tracing_stack(folder, collector=programs["collector"], jaeger=programs["jaeger"]) as stack:
        yield stack
