"""One git command: no shell, no prompt, no hook, no foreign configuration, and never longer than its time-out."""

import asyncio
import base64
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from bot.errors import TemporaryError

TokenSource = Callable[[], str]
"""Gives the present token; asked before each command that talks to the server, so that rotation needs no restart."""

LOCAL_TIMEOUT = 30.0
REMOTE_TIMEOUT = 120.0
"""Seconds for a command on the mirror alone, and for one that talks to the server."""

_PASSED_ON = (
    "PATH", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a git command left behind."""

    code: int
    output: bytes
    errors: str


def environment(mirror: Path, url: str = "", token: str = "") -> dict[str, str]:
    """A clean environment for git 2.31 or newer; the token goes only to the origin of `url`, only by a header.

    It is never in an argument, an address or a file (git-config(1), GIT_CONFIG_COUNT).
    """
    settings = {
        "core.hooksPath": os.devnull,
        "credential.helper": "",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "http.followRedirects": "false",
        "http.lowSpeedLimit": "1000",
        "http.lowSpeedTime": "30",
        "safe.directory": str(mirror),
    }
    if token and url.startswith(("https://", "http://")):
        settings[f"http.{URL(url).origin()}/.extraHeader"] = _basic(token)
    clean = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    clean |= {
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_DIR": str(mirror),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": allowed_protocols(url),
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        clean |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return clean


def allowed_protocols(url: str) -> str:
    """Only the protocol of the configured address: never ext::, and never a file for an https repository."""
    scheme = url.partition("://")[0] if "://" in url else "file"
    return scheme if scheme in ("https", "http", "file") else "https"


async def run(*arguments: str, env: Mapping[str, str], stdin: bytes = b"", timeout: float = LOCAL_TIMEOUT) -> Finished:
    """Run `git ARGUMENTS`; TemporaryError, and its process group killed, after `timeout` s."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        env=dict(env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(stdin), timeout)
    except TimeoutError as error:
        raise TemporaryError(
            f"git {arguments[0]} took longer than {timeout:.0f} s and was stopped. It is tried again by itself; "
            "look at the network and at the size of the repository if this goes on."
        ) from error
    finally:
        await _end(process)
    return Finished(code=process.returncode or 0, output=output, errors=errors.decode("utf-8", "replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the command and its children (git-remote-https outlives a killed git)."""
    if process.returncode is not None:
        return
    kill_group(process)
    await process.wait()


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process started in its own session, and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _basic(token: str) -> str:
    # GitLab takes any user name with a token as the password: https://docs.gitlab.com/topics/git/clone/ (18.x).
    return "Authorization: Basic " + base64.b64encode(f"oauth2:{token}".encode()).decode()
