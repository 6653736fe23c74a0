"""What happened is read from GitLab and Git over plain HTTP, never from the bot: its own word proves nothing."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp

from bot.demo.processes import API_TOKEN, Facts

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds after which a step counts as not happened."""
POLL = 0.1


class Unseen(Exception):
    """A step did not happen: what was expected, and what was seen instead."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Witness:
    """Plain clients of GitLab, of the sandbox's control API, and of Git."""

    facts: Facts
    session: aiohttp.ClientSession
    folder: Path

    async def gitlab(
        self, path: str, *, who: str = "root_token", method: str = "GET", body: dict[str, Any] | None = None
    ) -> Any:
        """GitLab's API v4 as the owner of a token in the facts."""
        url = f"{self.facts['gitlab_url']}/api/v4/{path}"
        return await self._json(method, url, {"PRIVATE-TOKEN": str(self.facts[who])}, body)

    async def control(self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST") -> Any:
        """The sandbox's control API (docs/sandbox.md)."""
        headers = {"Authorization": f"Bearer {self.facts['control_token']}"}
        return await self._json(method, f"{self.facts['control_url']}/control/{path}", headers, body)

    async def bot(self, url: str, path: str, *, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        """The bot's API: to ask it for something, and for its counts."""
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        return await self._json(method, f"{url}/api/v1/{path}", headers, body)

    async def _json(self, method: str, url: str, headers: dict[str, str], body: dict[str, Any] | None) -> Any:
        async with self.session.request(method, url, headers=headers, json=body) as answer:
            if answer.status >= 400:
                raise Unseen(f"{method} {url} to be answered", f"{answer.status} {await answer.text()}")
            return await answer.json()

    @property
    def config(self) -> str:
        """The config project's path in GitLab's API."""
        return f"projects/{quote(str(self.facts['config_project']), safe='')}"

    @property
    def application(self) -> str:
        """The application project's path in GitLab's API."""
        return f"projects/{quote(str(self.facts['application_projects'][0]), safe='')}"

    async def merge_request(self, environment: str, state: str) -> dict[str, Any] | None:
        """The newest merge request into an environment, as read one by one, if it is in this state."""
        found = await self.gitlab(f"{self.config}/merge_requests?state={state}&order_by=created_at&sort=desc")
        ours = [one for one in found if one["source_branch"].startswith(f"sluice/{environment}/")]
        one: dict[str, Any] | None = (
            await self.gitlab(f"{self.config}/merge_requests/{ours[0]['iid']}") if ours else None
        )
        return one

    async def status(self, sha: str, name: str) -> str:
        """The state of a commit status on the application's commit, empty when there is none."""
        found = await self.gitlab(f"{self.application}/repository/commits/{sha}/statuses?name={quote(name, safe='')}")
        return str(found[0]["status"]) if found else ""

    async def checkout(self) -> Path:
        """A fresh clone of the config project's default branch."""
        target = self.folder / "checkout"
        await _git("clone", "--quiet", "--depth", "1", self._authorised_url(), str(target))
        return target

    def _authorised_url(self) -> str:
        address = str(self.facts["gitlab_url"]).partition("://")[2]
        return f"http://root:{self.facts['root_token']}@{address}/{self.facts['config_project']}.git"


async def until(what: str, look: Callable[[], Awaitable[T | None]], *, patience: float = PATIENCE) -> T:
    """The first true answer of `look`; Unseen when there is none in time."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience
    while True:
        found = await look()
        if found:
            return found
        if loop.time() > ends:
            raise Unseen(what, repr(found))
        await asyncio.sleep(POLL)


async def _git(*arguments: str) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        # The address holds a token, so the arguments are not repeated.
        raise Unseen(f"git {arguments[0]} to work", f"exit status {process.returncode}, {len(errors)} bytes of errors")
