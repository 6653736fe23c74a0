"""`sluice demo` tells a true story: what it prints last is what GitLab and Git say, and it leaves nothing behind."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

DEMO = [sys.executable, "-m", "bot.cli", "demo"]
PATIENCE = 360.0
"""Seconds for a demo of three releases; each of its steps gives up after a minute and says what it missed."""


def test_demo_takes_a_bad_release_back_keeps_it_out_and_proves_it(tmp_path: Path) -> None:
    # An operator's own settings must not reach the demo's bot.
    env = {**os.environ, "TMPDIR": str(tmp_path), "SLUICE_GITLAB__URL": "https://gitlab.example"}
    done = subprocess.run([*DEMO, "--json"], capture_output=True, text=True, timeout=PATIENCE, check=False, env=env)

    report = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["ok"] is True
    assert report["merge_requests"] == [
        {"environment": environment, "version": version, "state": "merged"}
        for version in ("1.1.0", "1.2.0", "1.2.1")
        for environment in ("staging", "production")
    ]
    commits = list(dict.fromkeys(status["sha"] for status in report["statuses"]))
    assert len(commits) == 3
    assert report["statuses"] == [
        {"sha": commit, "name": f"sluice/{environment}", "state": state}
        for commit, in_production in zip(commits, ("success", "failed", "success"), strict=True)
        for environment, state in (("dev", "success"), ("staging", "success"), ("production", in_production))
    ]
    assert report["deliveries"]["dead"] == 0
    assert report["deliveries"]["received"] == report["deliveries"]["done"] > 0
    assert [(one["environment"], one["version"]) for one in report["rollbacks"]] == [("production", "1.1.0")]
    assert report["repromotions_of_denied"] == 0
    # At most 12 for each release in each of the three environments it travels through.
    assert 0 < report["gitlab_writes"] <= 3 * 3 * 12
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that may be disturbed; its temporary files are in `folder`."""
    env = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([*DEMO, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read the story up to the line with these words."""
    assert process.stdout is not None
    assert any(words in line for line in process.stdout), words


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def serving(process: subprocess.Popen[str]) -> psutil.Process:
    return next(child for child in children_of(process) if "serve" in child.cmdline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_demo_ends_its_children_and_removes_its_folder(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as process:
        read_until(process, "1  Adopt")
        children = children_of(process)
        process.send_signal(number)
        process.communicate(timeout=40)

    assert process.returncode == 1
    assert len(children) >= 2
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_demo_whose_bot_dies_says_what_it_missed_and_fails(tmp_path: Path) -> None:
    with demo(tmp_path, "--json") as process:
        read_until(process, "2  Release")
        serving(process).kill()
        told, errors = process.communicate(timeout=60)

    report = json.loads(told.splitlines()[-1])
    assert process.returncode == 1, errors
    assert report["ok"] is False
    assert "expected `sluice serve` to keep running" in told
    assert "bot.log: " in told


def test_demo_that_stays_shows_the_way_around(tmp_path: Path) -> None:
    with demo(tmp_path, "--stay", "--json") as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("{"):
                break
        alive = serving(process).is_running()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=40)

    assert json.loads(lines[-1])["ok"] is True
    assert any("export SLUICE_SERVER=http://127.0.0.1" in line for line in lines)
    assert any("sluice rollback demo-service production" in line for line in lines)
    assert alive
    assert process.returncode == 0


def test_terminal_gets_colours_and_progress() -> None:
    program = (
        "from rich.console import Console\n"
        "from bot.demo.telling import Telling\n"
        "telling = Telling(Console())\n"
        "telling.say('proof', 'seen [not markup]')\n"
        "with telling.waiting('waiting'): pass\n"
    )

    watched = in_a_terminal(program)
    unwatched = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert "\x1b[32m" in watched
    assert unwatched == "  ✓ seen [not markup]\n"


def in_a_terminal(program: str) -> str:
    """What a program writes when its output is a terminal."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "CI", "COLORTERM"):
        env.pop(name, None)
    with tempfile.TemporaryFile() as errors:
        subprocess.run([sys.executable, "-c", program], stdout=theirs, stderr=errors, env=env, check=True)
    os.close(theirs)
    written = b""
    while chunk := _read(ours):
        written += chunk
    os.close(ours)
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed: Linux says so with EIO
        return b""
