"""The commands against a running bot, as processes of their own, as users call them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_cases import settings_file, sluice_process
from running import API_TOKEN, Running, running, until

from bot.cli.endings import Code


class Operator:
    """Somebody with a terminal and a token file."""

    def __init__(self, world: Running, folder: Path) -> None:
        self.token = folder / "operator-token"
        self.token.write_text(API_TOKEN)
        self.server = world.app.url

    async def run(self, *arguments: str, token: Path | None = None) -> tuple[int, str, str]:
        return await sluice_process(*arguments, "--server", self.server, "--token-file", str(token or self.token))

    async def json(self, *arguments: str) -> Any:
        code, output, errors = await self.run(*arguments, "--json")
        assert code == 0, errors
        return json.loads(output)


async def test_operator_adopts_watches_and_sends_again(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        operator = Operator(world, tmp_path)

        before = await operator.json("status")
        adopting = await operator.json("adopt", "demo")

        async def adopted() -> Any:
            status = await operator.json("status")
            return status if status["tenants"][0]["adopted"] else None

        after = await until(adopted, "status says adopted")
        why = await operator.run("why", "demo-service", "production")
        listed = await operator.json("events", "list")
        delivery = listed["deliveries"][0]["id"]
        again = await operator.json("events", "redeliver", delivery)

        async def sent_again() -> Any:
            story = await operator.json("events", "show", delivery)
            done = story["delivery"]["attempts"] == 1 and story["delivery"]["phase"] != "received"
            return story if done else None

        story = await until(sent_again, "the delivery was parsed anew")

    assert before["tenants"][0]["adopted"] is False
    assert adopting["bound_to"] == "cfg:demo"
    environments = [(row["environment"], row["application"]) for row in after["environments"]]
    assert environments == [(name, "demo-service") for name in ("dev", "staging", "production")]
    assert why[0] == 0
    assert "decided now" in why[1]
    assert again["bound_to"] == delivery
    assert story["body_sha256"]


async def test_wrong_token_and_unknown_names_are_told_apart(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-token")
    async with running(tmp_path) as world:
        operator = Operator(world, tmp_path)

        refused = await operator.run("status", token=wrong)
        unknown = await operator.run("adopt", "demp")

    assert refused[0] == Code.REFUSED
    assert "not-the-token" not in refused[2]
    assert "--token-file" in refused[2]
    assert unknown[0] == Code.FAILED
    assert "Did you mean demo?" in unknown[2]


@contextmanager
def served(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`sluice serve` and the line that it prints when it is ready."""
    command = [sys.executable, "-m", "bot.cli", "serve", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_ends_gracefully(tmp_path: Path, number: signal.Signals) -> None:
    with served(settings_file(tmp_path, listen={"port": 0})) as (process, line):
        process.send_signal(number)
        _, logged = process.communicate(timeout=30)

    assert line.startswith("sluice is ready at http://127.0.0.1:")
    assert process.returncode == 0, logged
    assert all(json.loads(text)["event"] for text in logged.splitlines())


def test_second_server_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    config = settings_file(tmp_path, listen={"port": 0})
    with served(config) as (first, _), served(config) as (second, line):
        _, said = second.communicate(timeout=30)
        alive = first.poll() is None

    assert line == ""
    assert second.returncode == Code.FAILED
    assert "is in use by process" in said
    assert alive


def test_faulty_settings_end_serve_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "sluice.yaml"
    file.write_text("gitlab:\n  url: gitlab.example\n")

    with served(file) as (process, line):
        _, said = process.communicate(timeout=30)

    assert line == ""
    assert process.returncode == Code.USAGE
    assert f"{file}:2" in said
    assert "Traceback" not in said


def test_port_that_is_taken_is_said_to_be_taken(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with served(settings_file(tmp_path, listen={"port": 0})) as (_, line):
        port = int(line.rsplit(":", 1)[1])
        with served(settings_file(tmp_path / "second", listen={"port": port})) as (second, nothing):
            _, said = second.communicate(timeout=30)

    assert nothing == ""
    assert second.returncode == Code.FAILED
    assert "Traceback" not in said
    assert str(port) in said


def test_environment_alone_configures_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SLUICE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLUICE_GITLAB__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SLUICE_GITLAB__TOKEN", "glpat-from-the-environment")
    monkeypatch.setenv("SLUICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SLUICE_LISTEN__PORT", "0")
    command = [sys.executable, "-m", "bot.cli", "serve"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        _, logged = process.communicate(timeout=30)

    assert "ready" in line, logged
    assert "glpat-from-the-environment" not in logged
