"""Log lines are JSON for collectors and key=value on a terminal, and never hold a configured secret."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from cli_cases import settings_file

from bot.cli import logs
from bot.keys import ConfigKey
from bot.tracing import spans
from config.settings import Settings, load

TOKEN = "glpat-of-a-test-1234567890"


class Terminal(io.StringIO):
    """A stream that says somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.configure(**before)
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(settings_file(tmp_path))


def test_collectors_get_json_with_the_moment_and_the_level(settings: Settings) -> None:
    out = io.StringIO()
    logs.configure(settings, out)

    structlog.get_logger().info("promotion opened", environment="staging", merge_request=7)

    line = json.loads(out.getvalue())
    assert (line["event"], line["level"], line["merge_request"]) == ("promotion opened", "info", 7)
    assert line["timestamp"].endswith("Z")


def test_a_line_for_collectors_names_its_trace_and_one_for_a_terminal_does_not(settings: Settings) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    lines = []

    for out in (io.StringIO(), Terminal()):
        logs.configure(settings, out)
        with spans.work(ConfigKey("acme"), because="", attempt=0, traces=[trace]):
            structlog.get_logger().info("inside")
        structlog.get_logger().info("outside")
        lines.append(out.getvalue().splitlines())

    inside, outside = (json.loads(line) for line in lines[0])
    assert (inside["trace_id"], inside["span_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert "trace_id" not in outside
    assert not any("trace_id" in line for line in lines[1])


def test_terminal_gets_key_and_value(settings: Settings) -> None:
    out = Terminal()
    logs.configure(settings, out)

    structlog.get_logger().info("promotion opened", environment="staging")

    assert "environment=staging" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_json_can_be_asked_for_on_a_terminal(tmp_path: Path) -> None:
    out = Terminal()
    logs.configure(load(settings_file(tmp_path, log={"format": "json"})), out)

    structlog.get_logger().info("ready")

    assert json.loads(out.getvalue())["event"] == "ready"


def test_less_severe_lines_are_left_out(tmp_path: Path) -> None:
    out = io.StringIO()
    logs.configure(load(settings_file(tmp_path, log={"level": "warning"})), out)

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["loud"]


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["json", "terminal"])
def test_secrets_are_masked_wherever_they_are(settings: Settings, out: io.StringIO) -> None:
    logs.configure(settings, out)

    structlog.get_logger().info("request failed", url=f"https://x:{TOKEN}@gitlab.example", nested={"token": [TOKEN]})
    try:
        raise ValueError(f"the header was {TOKEN}")
    except ValueError:
        structlog.get_logger().exception("it broke")

    assert TOKEN not in out.getvalue()
    assert out.getvalue().count(logs.MASK) >= 3


def test_lines_of_libraries_have_the_same_form_and_are_masked(settings: Settings) -> None:
    out = io.StringIO()
    logs.configure(settings, out)

    logging.getLogger("aiohttp.client").warning("retrying with %s", TOKEN)
    logging.getLogger("aiohttp.client").info("chatter")

    (line,) = [json.loads(text) for text in out.getvalue().splitlines()]
    assert line["event"] == f"retrying with {logs.MASK}"


def test_secret_with_quotes_is_masked_as_json_writes_it() -> None:
    secret = 'pass"word\\with ünicode'
    masking = logs.Masking(structlog.processors.JSONRenderer(), [secret])

    line = masking(None, "info", {"event": "x", "said": secret})

    assert json.loads(line)["said"] == logs.MASK


def test_every_secret_of_the_settings_is_known(tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text("a-webhook-secret")
    password = tmp_path / "password"
    password.write_text("a-registry-password")
    file = settings_file(
        tmp_path,
        webhooks={"demo": {"scope": "group:demo", "token_files": [str(hook)]}},
        registries={"registry.example": {"username": "sluice", "password_file": str(password)}},
    )

    found = logs.secrets_of(load(file))

    assert {TOKEN, "an-api-token-of-a-test", "a-webhook-secret", "a-registry-password"} <= found
