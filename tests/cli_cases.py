"""What tests of the commands build on: a settings file, a journal with a story in it, and `sluice` as users call it."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from api_cases import POLICY, SHOP, configuration, tell_story
from journal_cases import says, take_one
from typer.testing import CliRunner

from bot.cli import main
from bot.clock import SystemClock
from bot.journal import Journal
from config.policy import Policy

NOBODY = "http://127.0.0.1:9"
"""Nothing listens there: the port of RFC 863, which no system serves any more."""


def settings_file(folder: Path, **changes: object) -> Path:
    """The settings of one tenant, with a GitLab and a server that are both away."""
    token = folder / "gitlab-token"
    token.write_text("glpat-of-a-test-1234567890")
    api = folder / "api-token"
    api.write_text("an-api-token-of-a-test")
    values: dict[str, object] = {
        "gitlab": {"url": NOBODY, "token_file": str(token)},
        "data_dir": str(folder),
        "listen": {"port": 9},
        "tenants": {"demo": {"config_project": "demo/flux-config", "application_projects": ["demo/*"]}},
        "api_tokens": {"ci": {"token_file": str(api)}},
    }
    file = folder / "sluice.yaml"
    file.write_text(json.dumps({name: value for name, value in {**values, **changes}.items() if value is not None}))
    return file


def write_journal(folder: Path, *, dead: str = "") -> str:
    """A journal that learned the policy and has a delivery with its run; returns the delivery's id.

    dead: sent through again, the delivery's work was given up for this reason.
    """
    return asyncio.run(_write_journal(folder, dead))


async def _write_journal(folder: Path, dead: str) -> str:
    journal = await Journal.open(f"sqlite:///{folder}/sluice.db", SystemClock())
    policy = Policy.parse(POLICY).model_dump_json()
    learnt = configuration(journal.installation_id)
    await journal.learn_configuration(replace(learnt, policy=policy))
    delivery = await tell_story(journal)
    if dead:
        await journal.redeliver(delivery)
        await journal.digest(lambda _: says("again", SHOP))
        await journal.bury(await take_one(journal), reason=dead)
    await journal.close()
    return delivery


def sluice(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Call a command in this process: exit status, standard output, standard error."""
    result = CliRunner().invoke(main, list(arguments), env=env)
    return result.exit_code, result.stdout, result.stderr


def sluice_json(*arguments: str) -> Any:
    """What a command prints with --json, after it ended well."""
    code, output, errors = sluice(*arguments, "--json")
    assert code == 0, errors
    return json.loads(output)


async def sluice_process(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """The same as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.cli",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(env) if env is not None else None,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()
