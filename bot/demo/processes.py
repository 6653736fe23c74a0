"""A sandbox and a bot as two processes of their own, as users run them, and ended whatever happens."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.errors import PermanentError

Facts = Mapping[str, Any]
"""What `sluice sandbox` prints: see docs/sandbox.md."""

TENANT = "demo"
API_TOKEN = "demo-api-token"  # noqa: S105 - of a bot that listens on loopback for as long as the demo runs
ENDS_WITHIN = 20.0
"""Seconds a child has to end by itself."""


@asynccontextmanager
async def sandbox(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """A sandbox in `folder`; yields its facts once it is ready."""
    command = ("sandbox", "--data", str(folder / "sandbox"))
    async with child(*command, log=folder / "sandbox.log") as line:
        yield json.loads(line)


@asynccontextmanager
async def bot(folder: Path, facts: Facts, *, level: str = "info") -> AsyncIterator[str]:
    """A bot for the sandbox; yields its URL once it is ready. Its log is `bot.log` in the folder."""
    config = configure(folder, facts, level=level)
    async with child("serve", "--config", str(config), log=folder / "bot.log") as line:
        yield line.split()[-1]


@asynccontextmanager
async def child(*command: str, log: Path) -> AsyncIterator[str]:
    """`sluice` with this command; yields the first line it prints, and ends it by SIGTERM, then by SIGKILL."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", *command, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
        try:
            line = await process.stdout.readline() if process.stdout else b""
            if not line:
                raise PermanentError(f"`sluice {command[0]}` ended at once: {last_words(log)}")
            yield line.decode()
        finally:
            await _end(process)


def last_words(log: Path) -> str:
    """The end of a log."""
    return log.read_text("utf-8")[-2000:]


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
