"""The shell scripts that people and pipelines call have none of the faults that shellcheck knows."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flux_tree import REPOSITORY
from tools_at_hand import absent

SHELL = re.compile(rb"^#!.*\b(ba|da)?sh\n")
SCRIPTS = [file for file in sorted((REPOSITORY / "scripts").iterdir()) if file.is_file()]
SHELL_SCRIPTS = [file for file in [*SCRIPTS, REPOSITORY / ".ci" / "run"] if SHELL.match(file.read_bytes())]


def shellcheck(file: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("shellcheck")
    if program is None:
        absent("shellcheck is not on PATH. Install it (Debian: apt-get install shellcheck).")
    command = [program, "--severity=warning", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("file", SHELL_SCRIPTS, ids=lambda file: file.name)
def test_a_script_passes_shellcheck(file: Path) -> None:
    said = shellcheck(file)

    assert said.stdout == ""
    assert said.returncode == 0


def test_a_fault_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "faulty"
    file.write_text("#!/bin/sh\ncd $1\nrm *\n")

    assert "SC2164" in shellcheck(file).stdout


@pytest.mark.parametrize("file", [one for one in SCRIPTS if one.suffix != ".py"], ids=lambda file: file.name)
def test_a_script_can_be_run(file: Path) -> None:
    assert file.stat().st_mode & 0o111
