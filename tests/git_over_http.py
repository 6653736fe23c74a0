"""A Git host for tests: bare repositories behind `git http-backend`, open to everyone, on a loopback port."""

import asyncio
import os
import subprocess
from pathlib import Path

from aiohttp import web


class GitHost:
    """Serves every bare repository below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "REMOTE_USER": "someone",
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        out, _ = await process.communicate(await request.read())
        head, _, body = out.partition(b"\r\n\r\n")
        lines = (line.decode().partition(": ") for line in head.split(b"\r\n"))
        headers = {name: value for name, _, value in lines}
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=body)


class Project:
    """One repository with a working copy to commit from."""

    def __init__(self, host: GitHost, name: str) -> None:
        self.url = f"{host.url}/{name}.git"
        self._bare = host.folder / f"{name}.git"
        self._work = host.folder / f"{name}.work"
        self._git(None, "init", "--quiet", "--bare", "-b", "main", str(self._bare))
        self._git(self._bare, "config", "http.receivepack", "true")
        self._git(None, "clone", "--quiet", str(self._bare), str(self._work))
        self._git(self._work, "checkout", "--quiet", "-B", "main")

    def commit(self, files: dict[str, str], message: str) -> str:
        """Commit files onto the branch's present head and push; the new commit."""
        if self._git(self._bare, "for-each-ref"):
            self._git(self._work, "pull", "--quiet", "--rebase", "origin", "main")
        for name, text in files.items():
            place = self._work / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self._git(self._work, "add", "--all")
        self._git(self._work, "commit", "--quiet", "--message", message)
        self._git(self._work, "push", "--quiet", "origin", "main")
        return self._git(self._work, "rev-parse", "HEAD")

    def read(self, name: str) -> str:
        """A file at the branch's head."""
        return self._git(self._bare, "show", f"main:{name}")

    def subjects(self) -> list[str]:
        """The subjects of all commits, newest first, with their authors."""
        return self._git(self._bare, "log", "--format=%an: %s", "main").splitlines()

    def _git(self, folder: Path | None, *argv: str) -> str:
        who = {"GIT_AUTHOR_NAME": "developer", "GIT_AUTHOR_EMAIL": "developer@example.com"}
        who |= {"GIT_COMMITTER_NAME": "developer", "GIT_COMMITTER_EMAIL": "developer@example.com"}
        environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **who}
        place = [] if folder is None else ["-C", str(folder)]
        run = subprocess.run(["git", *place, *argv], env=environment, capture_output=True, text=True, check=True)
        return run.stdout.strip()
