"""Objects are read through one long-lived `git cat-file --batch`, which is started anew when it dies."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from bot.clients.git.process import LOCAL_TIMEOUT, kill_group
from bot.errors import PermanentError, TemporaryError

LARGEST_OBJECT = 16 * 1024 * 1024
"""Bytes; no file the bot reads is larger."""

_DIED = (OSError, EOFError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitObject:
    """An object: its sha, its kind (blob, tree, commit, tag) and its bytes."""

    sha: str
    kind: str
    body: bytes


class ObjectReader:
    """`read` gives an object by name (`<revision>:<path>`, a sha, a branch), one question at a time."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def read(self, name: str) -> GitObject | None:
        """The object, or None when there is none of this name."""
        async with self._turn:
            with contextlib.suppress(*_DIED):
                return await self._answered(name)
            try:
                return await self._answered(name)
            except _DIED as error:
                raise TemporaryError(
                    f"git cat-file does not answer ({type(error).__name__}). It is started again by itself; "
                    "look at the disk that holds the mirror if this goes on."
                ) from error

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._stop()

    async def _answered(self, name: str) -> GitObject | None:
        whole = False
        try:
            answer = await asyncio.wait_for(self._ask(name), LOCAL_TIMEOUT)
            whole = True
            return answer
        finally:
            # Half an answer may be left in the pipe (a time-out, a cancelled caller) for the next question to read.
            if not whole:
                await self._stop()

    async def _ask(self, name: str) -> GitObject | None:
        stdin, stdout = await self._pipes()
        stdin.write(name.encode() + b"\n")
        await stdin.drain()
        header = await stdout.readline()
        if not header.endswith(b"\n"):
            raise EOFError
        words = header.rstrip(b"\n").rsplit(b" ", 2)
        if words[-1] in (b"missing", b"ambiguous"):
            return None
        sha, kind, size = words[0].decode(), words[1].decode(), int(words[2])
        if size > LARGEST_OBJECT:
            raise PermanentError(
                f"{name} in Git is {size} bytes, more than the {LARGEST_OBJECT} that are read. "
                "Take it out of the folders Sluice is told to read."
            )
        return GitObject(sha=sha, kind=kind, body=(await stdout.readexactly(size + 1))[:size])

    async def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                "git",
                "cat-file",
                "--batch",
                env=self._env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise EOFError
        return stdin, stdout

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            kill_group(process)
        await process.wait()
