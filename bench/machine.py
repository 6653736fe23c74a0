"""A sandbox and a bot as two processes of their own, as users run them, for the benches to look at from outside."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bot.demo.processes import API_TOKEN as API_TOKEN
from bot.demo.processes import configure

PATIENCE = 60.0
"""Seconds after which a bench gives up waiting."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot: its address, its process, and what it took from start to ready, in seconds and CPU seconds."""

    url: str
    process: psutil.Process
    started_in: float
    start_cpu: float

    def rss(self) -> float:
        """Resident memory of the process and its children, in MB (10^6 bytes)."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in family)) / 1e6

    def cpu(self) -> float:
        """CPU seconds used so far, user and system."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


@contextmanager
def process(*command: str, log: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A child and the first line it prints; it is told to end when the block ends."""
    with log.open("w") as errors:
        child = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            line = child.stdout.readline() if child.stdout else ""
            if not line:
                raise RuntimeError(f"{command} ended: {log.read_text()[-2000:]}")
            yield child, line
        finally:
            child.terminate()
            child.wait(30)


@contextmanager
def sandbox(folder: Path) -> Iterator[dict[str, Any]]:
    """The facts of a sandbox."""
    command = ("bot.cli", "sandbox", "--data", str(folder / "sandbox"))
    with process(*command, log=folder / "sandbox.log") as (_, line):
        yield json.loads(line)


@contextmanager
def bot(folder: Path, facts: Mapping[str, Any], *, cluster: bool = True) -> Iterator[Bot]:
    """A bot that knows the sandbox; without `cluster` it is configured with none."""
    config = configure(folder, facts, cluster=cluster, level="warning")
    began = time.monotonic()
    with ExitStack() as stack:
        command = ("bot.cli", "serve", "--config", str(config))
        child, line = stack.enter_context(process(*command, log=folder / "bot.log"))
        url = line.split()[-1]
        until(lambda: get(f"{url}/readyz") is not None, "the bot is ready")
        took, started = time.monotonic() - began, psutil.Process(child.pid)
        used = started.cpu_times()
        yield Bot(url, started, took, used.user + used.system)


def call(url: str, token: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
    """JSON over HTTP with a bearer token; urllib's HTTPError for a refusal."""
    headers = {"Authorization": f"Bearer {token}", "PRIVATE-TOKEN": token, "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        text = response.read()
    return json.loads(text) if text else None


def get(url: str) -> bytes | None:
    """The body, or None while nobody answers well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback
            return bytes(response.read())
    except OSError:
        return None


def until(condition: Any, what: str) -> Any:
    """Wait for a true answer and return it; RuntimeError when it never comes."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise RuntimeError(f"never seen: {what}")
        time.sleep(0.05)
    return found
