"""Git is run as a child process with an argument vector and an environment that nothing outside can colour."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NEUTRAL_ENVIRONMENT: Mapping[str, str] = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitFailed(Exception):
    """Git ended with a code the caller did not expect; the text is what Git said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    code: int
    out: bytes
    err: bytes


async def run_git(
    directory: Path, *argv: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> Finished:
    """Run one git command in a bare repository and wait for it."""
    process = await asyncio.create_subprocess_exec(
        "git",
        "--git-dir",
        str(directory),
        "-c",
        "core.quotepath=false",
        *argv,
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**NEUTRAL_ENVIRONMENT, **(environment or {})},
    )
    talking = asyncio.ensure_future(process.communicate(stdin or None))
    try:
        out, err = await asyncio.shield(talking)
    except asyncio.CancelledError:
        # A child left behind would outlive the loop, and its pipes with it.
        await talking
        raise
    return Finished(code=process.returncode or 0, out=out, err=err)


def signed_by(name: str, email: str, when: str) -> dict[str, str]:
    """Author and committer for commands that write commits; `when` is Git's `<unix seconds> +0000`."""
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
        "GIT_COMMITTER_DATE": when,
    }
