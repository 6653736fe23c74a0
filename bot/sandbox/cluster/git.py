"""Git as the cluster's controllers use it: heads, archives and pushes over smart HTTP with a token of their own."""

import asyncio
import io
import os
import re
import shutil
import signal
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitFailed(Exception):
    """Git said no; the text is what it said, without credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository over HTTP and who reads or writes it."""

    url: str
    username: str = ""
    password: str = ""

    def with_credentials(self) -> str:
        """The URL that Git is run with; never shown."""
        if not self.username:
            return self.url
        parts = urlsplit(self.url)
        who = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@{parts.netloc}"
        return urlunsplit(parts._replace(netloc=who))


async def head_of(session: aiohttp.ClientSession, remote: Remote, branch: str) -> str:
    """The commit a branch points at, by one request to the advertised refs. Raises GitFailed.

    Protocol: Git, "HTTP transfer protocols", smart clients, version 0.
    """
    headers = {}
    if remote.username:
        headers["Authorization"] = aiohttp.encode_basic_auth(remote.username, remote.password)
    try:
        url = f"{remote.url}/info/refs"
        async with session.get(url, params={"service": "git-upload-pack"}, headers=headers) as response:
            body = await response.read()
            if response.status != 200:
                raise GitFailed(f"unexpected client error: status code: {response.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise GitFailed(f"unable to list remote for '{remote.url}': {str(error) or type(error).__name__}") from error
    wanted = f"refs/heads/{branch}".encode()
    found = re.search(rb"([0-9a-f]{40}) " + re.escape(wanted) + rb"[\0\n]", body)
    if found is None:
        raise GitFailed(f"couldn't find remote ref 'refs/heads/{branch}'")
    return found[1].decode()


async def git(folder: Path, *argv: str, environment: dict[str, str] | None = None) -> bytes:
    """Run git in a folder. Raises GitFailed with what it said."""
    process = await asyncio.create_subprocess_exec(
        "git",
        "-C",
        str(folder),
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**ENVIRONMENT, **(environment or {})},
        start_new_session=True,
    )
    try:
        out, err = await process.communicate()
    finally:
        # A stopped controller leaves no child behind, nor the child's own helper, which would hold the pipes open.
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise GitFailed(re.sub(r"//[^@/\s]*@", "//", err.decode(errors="replace")).strip())
    return out


class Mirror:
    """A bare copy of one repository, from which trees are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def fetch(self, remote: Remote, branch: str) -> str:
        """Bring the branch over and return its head. Raises GitFailed."""
        if not (self._folder / "HEAD").exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            await git(self._folder, "init", "--quiet", "--bare")
        refspec = f"+refs/heads/{branch}:refs/heads/{branch}"
        await git(
            self._folder, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote.with_credentials(), refspec
        )
        return (await git(self._folder, "rev-parse", f"refs/heads/{branch}")).decode().strip()

    async def subject(self, commit: str) -> str:
        """The first line of a commit's message."""
        return (await git(self._folder, "log", "-1", "--format=%s", commit)).decode().strip()

    async def files(self, commit: str) -> dict[str, bytes]:
        """Every file of a commit by path."""
        archive = await git(self._folder, "archive", "--format=tar", commit)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            read = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
            return {name: file.read() for name, file in read if file is not None}


class Checkout:
    """A working copy that is committed to and pushed from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def at_head(self, remote: Remote, branch: str) -> str:
        """Make the working copy the branch's head exactly, and return the commit. Raises GitFailed."""
        if not (self.folder / ".git").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            await git(self.folder, "init", "--quiet")
        await git(self.folder, "fetch", "--quiet", "--no-tags", "--depth", "1", remote.with_credentials(), branch)
        await git(self.folder, "checkout", "--quiet", "--force", "-B", branch, "FETCH_HEAD")
        return (await git(self.folder, "rev-parse", "HEAD")).decode().strip()

    async def commit(self, message: str, *, name: str, email: str, seconds: int) -> str:
        """Commit every changed file at a Unix time and return the commit. Raises GitFailed."""
        who = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", name), ("EMAIL", email), ("DATE", f"{seconds} +0000"))
        }
        await git(self.folder, "commit", "--quiet", "--all", "--message", message, environment=who)
        return (await git(self.folder, "rev-parse", "HEAD")).decode().strip()

    async def push(self, remote: Remote, branch: str) -> None:
        """Push without force: a race that was lost fails. Raises GitFailed."""
        await git(self.folder, "push", "--quiet", remote.with_credentials(), f"HEAD:refs/heads/{branch}")
