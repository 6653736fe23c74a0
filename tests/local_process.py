"""A program on loopback for the time of a block: waited for, stopped, its last words told when it fails."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

START_SECONDS = 240.0
"""How long a program may take until it answers; a JVM with an agent on a busy machine is the slowest."""
STOP_SECONDS = 30.0
LAST_WORDS = 4000
PORTS = range(20000, 32000)
"""Below those that systems give to outgoing connections, so that none of them takes a port before it is listened on."""
GIVEN: set[int] = set()


class DidNotStart(Exception):
    """The program ended or kept silent; the message holds the end of what it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProcess:
    """A running program; `log` is what it has written so far."""

    name: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """All that it wrote, to either stream."""
        return self.log_file.read_text("utf-8", errors="replace")

    def stop(self) -> int:
        """Ask it to end, insist after a while; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(STOP_SECONDS)


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log_file: Path,
    ready_at: str,
    patience: float = START_SECONDS,
) -> Iterator[LocalProcess]:
    """Run the command until the end of the block; ready_at is a URL that answers 200 when it is up.

    Nothing of this machine's environment but PATH and HOME reaches it. Raises DidNotStart, after `patience` seconds
    at the latest.
    """
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [*_until_we_end(), *command],
            env={**_bare_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=log_file.parent,
        )
    started = LocalProcess(name=name, process=process, log_file=log_file)
    try:
        _wait_until_ready(started, ready_at, patience)
        yield started
    finally:
        started.stop()


def free_ports(count: int) -> list[int]:
    """As many loopback ports that nobody listens on; this process is never given one twice."""
    shuffled = (
        port for port in random.SystemRandom().sample(PORTS, len(PORTS)) if port not in GIVEN and _is_free(port)
    )
    found = list(islice(shuffled, count))
    if len(found) < count:
        raise OSError(f"{count} free ports were not found between {PORTS.start} and {PORTS.stop}")
    GIVEN.update(found)
    return found


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port where every connection is refused: it is taken, and nobody listens."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def eventually(holds: Callable[[], bool], *, seconds: float, every: float = 0.3) -> bool:
    """Whether it comes to hold before the deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _until_we_end() -> list[str]:
    # A test run that is killed cleans nothing up; Linux then ends what it had started.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=KILL"] if setpriv else []


def _bare_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def _wait_until_ready(started: LocalProcess, url: str, patience: float) -> None:
    if eventually(lambda: started.process.poll() is not None or _answers(url), seconds=patience, every=0.1):
        code = started.process.poll()
        if code is None:
            return
        why = f"ended with {code}"
    else:
        why = f"did not answer {url} within {patience:.0f} s"
    raise DidNotStart(f"{started.name} {why}. It wrote:\n{started.log[-LAST_WORDS:]}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
