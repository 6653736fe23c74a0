"""What happened is read from GitLab and Git over plain HTTP, never from the bot: its own word proves nothing."""

import asyncio
import base64
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from ruamel.yaml import YAML

from bot.demo.history import WHERE, WORTH, Snapshot, snapshot
from bot.demo.processes import API_TOKEN, Child, Facts

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds after which a step counts as not happened."""
POLL = 0.1
NOTHING_FOUND = 1
"""The exit status of `git grep` without a match."""


class Unseen(Exception):
    """A step did not happen: what was expected, and what was seen instead."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Witness:
    """Plain clients of GitLab, of the sandbox's control API, and of Git; with `children` gone nothing will happen."""

    facts: Facts
    session: aiohttp.ClientSession
    folder: Path
    children: tuple[Child, ...] = ()

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
        for child in self.children:
            if child.ended:
                raise Unseen(f"`sluice {child.command}` to keep running", child.ended)
        try:
            async with self.session.request(method, url, headers=headers, json=body) as answer:
                if answer.status >= 400:
                    raise Unseen(f"{method} {url} to be answered", f"{answer.status} {await answer.text()}")
                return await answer.json()
        except aiohttp.ClientError as error:
            raise Unseen(f"{method} {url} to be answered", str(error) or type(error).__name__) from error

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

    async def image_digest(self, application: str, tag: str) -> str:
        """The digest the registry has under a tag (OCI distribution 1.1, checking if content exists)."""
        url = f"{self.facts['registry_url']}/v2/demo/{application}/manifests/{tag}"
        headers = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}
        async with self.session.head(url, headers=headers) as answer:
            return answer.headers.get("Docker-Content-Digest", f"status {answer.status}")

    async def serving(self, namespace: str, deployment: str) -> list[str]:
        """The tags of the images that a Deployment of the cluster runs, read from the Kubernetes API."""
        access = YAML(typ="safe").load(await asyncio.to_thread(Path(str(self.facts["kubeconfig"])).read_text, "utf-8"))
        headers = {"Authorization": f"Bearer {access['users'][0]['user']['token']}"}
        path = f"apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"
        found = await self._json("GET", f"{self.facts['cluster_url']}/{path}", headers, None)
        containers = found["spec"]["template"]["spec"]["containers"]
        return [str(container["image"]).rpartition(":")[2] for container in containers]

    async def checkout(self) -> Path:
        """A fresh clone of the config project's default branch, in a folder of its own."""
        target = Path(tempfile.mkdtemp(prefix="checkout-", dir=self.folder))
        await self._git(
            "clone", "--quiet", f"{self.facts['gitlab_url']}/{self.facts['config_project']}.git", str(target)
        )
        return target

    async def history(self) -> list[Snapshot]:
        """What the release and denial files said at each commit of the default branch, oldest first."""
        folder = str(await self.checkout())
        revisions = await self._git("-C", folder, "rev-list", "--first-parent", "--reverse", "HEAD")
        found = []
        for revision in revisions.split():
            lines = await self._git(
                "-C", folder, "grep", "-o", "-E", WORTH, revision, "--", *WHERE, fine=(0, NOTHING_FOUND)
            )
            found.append(snapshot(revision, lines.splitlines()))
        return found

    async def _git(self, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
        """What git prints. The token goes by the environment: others on the machine see arguments."""
        account = base64.b64encode(f"root:{self.facts['root_token']}".encode()).decode()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {account}",
        }
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
        if process.returncode not in fine:
            why = f"exit status {process.returncode}: {errors.decode(errors='replace').strip()}"
            raise Unseen(f"git {arguments[0]} to work", why)
        return output.decode()


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
