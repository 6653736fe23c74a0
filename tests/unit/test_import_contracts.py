"""The architecture's import contracts notice the imports they forbid."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "handlers", "config")

FORBIDDEN = [
    pytest.param("handlers/intruder.py", "from bot.journal import anything", "handlers import only", id="rule-storage"),
    pytest.param("handlers/gates/intruder.py", "import bot.clients", "handlers import only", id="gate-client"),
    pytest.param("handlers/intruder.py", "import time", "handlers have no clock", id="rule-clock"),
    pytest.param("bot/intruder.py", "import handlers.gates", "only bot.app and bot.cli", id="machine-rule"),
    pytest.param("bot/sandbox/intruder.py", "import bot.clients", "bot.sandbox and bot.clients", id="sandbox-client"),
    pytest.param("bot/clients/intruder.py", "import bot.sandbox", "bot.sandbox and bot.clients", id="client-sandbox"),
    pytest.param("bot/sandbox/intruder.py", "import bot.journal", "bot.sandbox imports no", id="sandbox-journal"),
    pytest.param("config/intruder.py", "import bot.clock", "config imports nothing", id="config-machine"),
    pytest.param("bot/keys.py", "import bot.journal", "the vocabulary imports nothing", id="vocabulary-machine"),
]


@pytest.fixture
def architecture(tmp_path: Path) -> Path:
    """A copy of the three packages in which only the files' imports matter."""
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("path", "line", "contract"), FORBIDDEN)
def test_forbidden_import_breaks_its_contract(architecture: Path, path: str, line: str, contract: str) -> None:
    intruder = architecture / path
    before = intruder.read_text() if intruder.exists() else ""
    intruder.write_text(f"{before}\n{line}\n")

    finished = _lint_imports(architecture)

    broken = [said for said in finished.stdout.splitlines() if " BROKEN" in said]
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert any(said.startswith(contract) for said in broken), finished.stdout


def test_contracts_hold_in_this_repository(architecture: Path) -> None:
    finished = _lint_imports(architecture)

    assert finished.returncode == 0, finished.stdout + finished.stderr


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
