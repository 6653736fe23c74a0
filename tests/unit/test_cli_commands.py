"""The commands are found by name, imported when called, and described."""

import json
import subprocess
import sys

import pytest
from cli_cases import sluice

from bot.cli.group import COMMANDS

HEAVY = ("aiohttp", "sqlalchemy", "gidgetlab", "kubernetes_asyncio", "bot.app", "bot.sandbox")


def test_version_names_the_program() -> None:
    code, output, _ = sluice("version")

    assert code == 0
    assert output.startswith("sluice ")
    assert set(json.loads(sluice("version", "--json")[1])) == {"sluice", "python"}


def test_version_imports_nothing_heavy() -> None:
    program = (
        "import sys; from bot.cli import main; main(['version'], standalone_mode=False); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_help_tells_every_command() -> None:
    code, output, _ = sluice("--help")

    assert code == 0
    assert [line.split()[0] for line in output.split("Commands:\n")[1].splitlines() if line.startswith("  ")][
        : len(COMMANDS)
    ] == list(COMMANDS)
    assert "Exit status" in output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    code, output, errors = sluice(name, "--help")

    assert code == 0, errors
    assert f"sluice {name}" in output


def test_unknown_command_is_wrong_usage() -> None:
    code, _, errors = sluice("statsu")

    assert code == 2
    assert "statsu" in errors
