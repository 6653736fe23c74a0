"""The programs of `tests/tools` for the tests: built once, skipped visibly without Go, a failure under CI.

`scripts/build-tool` builds and caches them; `tests/tools/README.md` lists them.
"""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

BUILD_TOOL = Path(__file__).resolve().parents[1] / "scripts" / "build-tool"
NO_GO = 3
"""build-tool's exit code where no Go is there that can build the program."""
DEADLINE = 3600.0
"""Seconds; the largest program takes about six minutes of two cores when it is built for the first time."""


@cache
def binary(name: str) -> Path:
    """The program, ready to be run. Without Go it skips, under CI it fails; a build that fails tells Go's reason."""
    try:
        done = subprocess.run([BUILD_TOOL, name], capture_output=True, text=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{name} was not built in {DEADLINE:.0f} s: see what scripts/build-tool {name} says", pytrace=False)
    if done.returncode == NO_GO:
        absent(done.stderr.strip())
    if done.returncode:
        pytest.fail(done.stderr.strip(), pytrace=False)
    return Path(done.stdout.strip())


def absent(reason: str) -> NoReturn:
    """Skip visibly what cannot run here; under CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
