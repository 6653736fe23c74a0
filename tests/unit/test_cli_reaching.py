"""How a command finds its server, and what its exit status says when it does not."""

from pathlib import Path

import pytest
from cli_cases import NOBODY, settings_file, sluice, write_journal

from bot.cli.endings import Code, Ending
from bot.cli.reaching import Reach, server_needed

SECRET = "an-api-token-of-a-test"


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("why", "shop", "staging"),
        ("adopt", "demo"),
        ("rollback", "shop", "staging", "--reason", "orders are lost"),
        ("hold", "shop", "staging", "--reason", "the sale is on"),
        ("events", "list"),
        ("events", "show", "abc"),
        ("events", "redeliver", "abc"),
    ],
)
def test_named_server_that_is_away_is_not_replaced_by_the_journal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_journal(tmp_path)
    config = str(settings_file(tmp_path))

    code, output, errors = sluice(*arguments, "--config", config, "--server", NOBODY)

    assert (code, output) == (Code.UNREACHED, "")
    assert NOBODY in errors


@pytest.mark.parametrize("arguments", [("adopt", "demo"), ("events", "redeliver", "abc")])
def test_commands_need_the_server_even_with_a_journal_at_hand(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_journal(tmp_path)

    away = sluice(*arguments, "--config", str(settings_file(tmp_path)))
    unknown = sluice(*arguments, "--config", str(settings_file(tmp_path, api_tokens=None)))

    assert away[0] == Code.UNREACHED
    assert unknown[0] == Code.REFUSED
    assert "needs the running server" in unknown[2]


def test_settings_that_cannot_be_used_are_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "sluice.yaml"
    file.write_text("gitlab:\n  url: https://gitlab.example\nworkers: many\n")

    code, _, errors = sluice("status", "--config", str(file))

    assert code == Code.USAGE
    assert f"{file}:3" in errors


def test_delivery_id_never_leaves_its_part_of_the_path(tmp_path: Path) -> None:
    code, _, errors = sluice("events", "show", "../status", "--config", str(settings_file(tmp_path)))

    assert code == Code.USAGE
    assert "no delivery's id" in errors


def test_server_and_token_come_from_the_settings(tmp_path: Path) -> None:
    server = Reach(settings_file(tmp_path, listen={"host": "0.0.0.0", "port": 8080}), "", "", None).server()

    assert server is not None
    assert (server.url, server.token, server.named) == ("http://127.0.0.1:8080", SECRET, False)


def test_public_url_is_preferred_to_the_listening_address(tmp_path: Path) -> None:
    file = settings_file(tmp_path, public_url="https://sluice.example")

    server = Reach(file, "", "", None).server()

    assert server is not None
    assert server.url == "https://sluice.example"


def test_options_win_over_the_settings(tmp_path: Path) -> None:
    token = tmp_path / "other"
    token.write_text("another\n")

    server = Reach(settings_file(tmp_path), "https://other.example/", "", token).server()

    assert server is not None
    assert (server.url, server.token, server.named) == ("https://other.example", "another", True)


def test_named_server_needs_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_CONFIG", raising=False)

    server = Reach(None, "https://other.example", "secret", None).server()

    assert server is not None
    assert server.token == "secret"


def test_environment_names_the_server(tmp_path: Path) -> None:
    env = {"SLUICE_SERVER": NOBODY, "SLUICE_TOKEN": "secret", "SLUICE_CONFIG": str(settings_file(tmp_path))}

    code, _, errors = sluice("status", env=env)

    assert code == Code.UNREACHED
    assert NOBODY in errors
    assert "secret" not in errors


def test_no_token_means_no_server_to_command(tmp_path: Path) -> None:
    reach = Reach(settings_file(tmp_path, api_tokens=None), "", "", None)

    with pytest.raises(Ending, match="api_tokens") as refused:
        server_needed(reach, "adopt")

    assert refused.value.code is Code.REFUSED


def test_without_settings_and_server_both_are_offered() -> None:
    code, output, errors = sluice("status")

    assert (code, output) == (Code.USAGE, "")
    assert "--config FILE" in errors
    assert "--server URL" in errors
