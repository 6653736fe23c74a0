"""A sandbox and a bot as two processes of their own, as users run them, and ended whatever happens."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import PermanentError

Facts = Mapping[str, Any]
"""What `sluice sandbox` prints: see docs/sandbox.md."""

TENANT = "demo"
API_TOKEN = "demo-api-token"  # noqa: S105 - of a bot that listens on loopback for as long as the demo runs
ENDS_WITHIN = 20.0
"""Seconds a child has to end by itself."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running `sluice`: which command, and the first line it printed."""

    command: str
    line: str
    process: asyncio.subprocess.Process

    @property
    def ended(self) -> str:
        """How it ended though nobody asked it to; empty while it runs."""
        code = self.process.returncode
        return "" if code is None else f"`sluice {self.command}` ended with exit status {code}"


def sandbox(folder: Path) -> AbstractAsyncContextManager[Child]:
    """A sandbox in `folder`; its line is its facts as JSON."""
    return child("sandbox", "--data", str(folder / "sandbox"), log=folder / "sandbox.log")


def bot(folder: Path, facts: Facts, *, level: str = "info") -> AbstractAsyncContextManager[Child]:
    """A bot for the sandbox; its line ends with its URL. Its log is `bot.log` in the folder."""
    config = configure(folder, facts, level=level)
    return child("serve", "--config", str(config), log=folder / "bot.log")


@asynccontextmanager
async def child(*command: str, log: Path) -> AsyncIterator[Child]:
    """`sluice` with this command, once it printed its first line; ended by SIGTERM, then by SIGKILL."""
    # An operator's own SLUICE_… variables win over settings files: they must not lead the demo to a real GitLab.
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("SLUICE_")}
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.cli",
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**inherited, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"},
        )
        try:
            line = await process.stdout.readline() if process.stdout else b""
            if not line:
                raise PermanentError(f"`sluice {command[0]}` ended at once: {last_words(log)}")
            yield Child(command[0], line.decode(), process)
        finally:
            await _end(process)


def last_words(log: Path) -> str:
    """The end of a log."""
    return log.read_text("utf-8", "replace")[-4000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(ENDS_WITHIN):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def configure(folder: Path, facts: Facts, *, cluster: bool = True, level: str = "info") -> Path:
    """Write the settings file and the secrets beside it; the path of the settings file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "sluice.yaml"
    # JSON is YAML, and needs no writer of ours.
    file.write_text(json.dumps(settings(folder, facts, cluster=cluster, level=level), indent=2), "utf-8")
    return file


def settings(folder: Path, facts: Facts, *, cluster: bool = True, level: str = "info") -> dict[str, Any]:
    """The operator's settings for a sandbox: what docs/operator.md describes, every secret in a file of its own."""
    registry = str(facts["registry_url"]).partition("://")[2].rstrip("/")
    name = str(facts["cluster"])
    known = {
        "kubeconfig": facts["kubeconfig"],
        "flux_secret_files": [secret(folder, "flux", facts["flux_secret"])],
        "flagger_token_files": [secret(folder, "flagger", facts["flagger_token"])],
    }
    return {
        "gitlab": {
            "url": facts["gitlab_url"],
            "token_file": secret(folder, "gitlab", facts["token"]),
            "requests_per_minute": 2000,
        },
        "data_dir": str(folder / "data"),
        "listen": {"port": 0},
        "webhooks": {
            TENANT: {
                "scope": "instance",
                "signing_token_files": [secret(folder, "signing", facts["signing_token"])],
            }
        },
        "clusters": {name: known} if cluster else {},
        "registries": {
            registry: {
                "insecure": True,
                "username": facts["registry_user"],
                "password_file": secret(folder, "registry-password", facts["registry_password"]),
                "webhook_name": facts["registry_name"],
                "webhook_token_files": [secret(folder, "registry", facts["registry_hook_token"])],
            }
        },
        "tenants": {
            TENANT: {
                "config_project": facts["config_project"],
                "application_projects": ["demo/*"],
                "clusters": [name] if cluster else [],
                "namespaces": ["*"],
            }
        },
        "api_tokens": {"demo": {"token_file": secret(folder, "api", API_TOKEN)}},
        "log": {"format": "json", "level": level},
    }


def secret(folder: Path, name: str, value: object) -> str:
    """The path of a file that holds a secret and only its owner reads."""
    file = folder / f"secret-{name}"
    file.write_text(str(value), "utf-8")
    file.chmod(0o600)
    return str(file)
