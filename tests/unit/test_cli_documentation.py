"""docs/cli.md and docs/api.md name every command, option and route, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from api_cases import ScriptedExplainer, governing
from cli_cases import sluice

from bot.api.app import operations
from bot.api.routes import Api
from bot.cli.endings import Code
from bot.cli.group import COMMANDS
from bot.clock import SystemClock
from bot.journal import Journal

DOCS = Path(__file__).parents[2] / "docs"
CALLS = [(name,) for name in COMMANDS if name != "events"] + [
    ("events", name) for name in ("list", "show", "redeliver")
]


def section(name: str) -> str:
    """What docs/cli.md says of a command."""
    found = re.search(rf"^## sluice {re.escape(name)}$(.*?)(?=^## |\Z)", (DOCS / "cli.md").read_text(), re.M | re.S)
    assert found is not None, name
    return found[1]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_every_option_is_documented(call: tuple[str, ...]) -> None:
    _, helped, _ = sluice(*call, "--help")

    options = set(re.findall(r"^  .*?(--[a-z-]+)", helped, re.M)) - {"--help"}

    assert {option for option in options if f"`{option}" not in section(call[0])} == set()


def test_only_real_commands_are_documented() -> None:
    documented = re.findall(r"^## sluice (\S+)$", (DOCS / "cli.md").read_text(), re.M)

    assert sorted(documented) == sorted(COMMANDS)


def test_every_exit_status_is_documented() -> None:
    table = (DOCS / "cli.md").read_text().partition("## Exit status")[2].partition("\n## ")[0]

    assert {int(number) for number in re.findall(r"^\| (\d) \|", table, re.M)} == {int(code) for code in Code}


async def test_routes_of_the_page_are_those_of_the_api(tmp_path: Path) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path}/journal.db", SystemClock())
    api = Api(
        journal=journal,
        tenants=governing("demo"),
        explainer=ScriptedExplainer(),
        clock=SystemClock(),
        gitlab_url="",
    )
    offered = {f"{operation.method} {operation.path}" for operation in operations(api)}
    await journal.close()

    documented = set(re.findall(r"^\| `((?:GET|POST) \S+)` \|", (DOCS / "api.md").read_text(), re.M))

    assert documented == offered
