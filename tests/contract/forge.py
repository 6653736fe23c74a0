"""The GitLab that contract tests speak to: the sandbox in a thread of its own, or a real one named by environment."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import gitlab
import pytest
from aiohttp import web
from gitlab.v4.objects import Project, ProjectMergeRequest

from bot.sandbox.gitlab import Edition, GitLab

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds until a wait for something asynchronous gives up."""
DEVELOPER, MAINTAINER, REPORTER, GUEST = 30, 40, 20, 10


class SandboxThread:
    """A sandbox GitLab on its own event loop; `lab` is touched only inside that loop, by `do` and `run`."""

    def __init__(self, data_dir: Path, edition: Edition) -> None:
        self.lab = GitLab(data_dir, lambda: datetime.now(UTC), edition)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self.lab.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def do(self, work: Callable[[], T]) -> T:
        async def inside() -> T:
            return work()

        return self.run(inside())

    def stop(self) -> None:
        self.run(self.lab.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One webhook as it arrived."""

    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]

    @property
    def event(self) -> str:
        return self.headers["X-Gitlab-Event"]

    @property
    def action(self) -> str | None:
        return (self.body.get("object_attributes") or {}).get("action")


@dataclass(slots=True)
class Listener:
    """A webhook receiver: everything heard so far, and the status it answers with."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: int = 202

    async def receive(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.heard.append(Heard(headers=dict(request.headers), raw=raw, body=json.loads(raw)))
        return web.Response(status=self.answer)

    def wait(self, wanted: Callable[[Heard], bool]) -> Heard:
        """The first webhook that fits, waited for; the failure names what came instead."""
        return eventually(
            lambda: next((one for one in list(self.heard) if wanted(one)), None),
            lambda: f"heard only {[(one.event, one.action) for one in self.heard]}",
        )


@contextmanager
def listening(sandbox: SandboxThread) -> Iterator[Listener]:
    """Run a receiver on the sandbox's loop."""
    listener = Listener()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/hook", listener.receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = sandbox.run(start())
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield listener
    sandbox.run(runner.cleanup())


@dataclass(slots=True, kw_only=True)
class Person:
    """A user with a client that is signed in with it."""

    id: int
    username: str
    token: str
    client: gitlab.Gitlab

    def of(self, project: Project) -> Project:
        """The project through this person's eyes; no request is made."""
        return self.client.projects.get(project.id, lazy=True)


class Forge:
    """One GitLab and what tests may make in it; `sandbox` is None for a real one."""

    def __init__(self, url: str, admin_token: str, sandbox: SandboxThread | None) -> None:
        self.url = url
        self.sandbox = sandbox
        self.admin_token = admin_token
        self.admin = self.sign_in(admin_token)

    def sign_in(self, token: str | None) -> gitlab.Gitlab:
        return gitlab.Gitlab(self.url, private_token=token, timeout=PATIENCE)

    def project(self, **settings: Any) -> Project:
        """A new private project with one commit on `main`, owned by the administrator."""
        created = self.admin.projects.create({"name": f"contract-{uuid4().hex[:10]}"})
        project = self.admin.projects.get(created.id)
        commit(project, "main", {"README.md": "hello\n"}, "first")
        if settings:
            for name, value in settings.items():
                setattr(project, name, value)
            project.save()
        return project

    def person(
        self, project: Project | None = None, level: int = DEVELOPER, scopes: tuple[str, ...] = ("api",)
    ) -> Person:
        """A new user with a token, made a member where a project is given."""
        name = f"user-{uuid4().hex[:10]}"
        account = {"username": name, "name": name, "email": f"{name}@example.com", "password": uuid4().hex}
        user = self.admin.users.create({**account, "skip_confirmation": True})
        tokens = self.admin.users.get(user.id, lazy=True).personal_access_tokens
        token = tokens.create({"name": "t", "scopes": list(scopes)})
        if project is not None:
            project.members.create({"user_id": user.id, "access_level": level})
        return Person(id=user.id, username=name, token=token.token, client=self.sign_in(token.token))


def forge_from_environment() -> Forge | None:
    """The real GitLab of SLUICE_CONTRACT_GITLAB_URL, with an administrator's token, or None."""
    url, token = os.environ.get("SLUICE_CONTRACT_GITLAB_URL"), os.environ.get("SLUICE_CONTRACT_GITLAB_TOKEN")
    return Forge(url, token, None) if url and token else None


def sandbox_forge(sandbox: SandboxThread) -> Forge:
    def furnish() -> str:
        return sandbox.lab.create_token(sandbox.lab.create_user("root", "Administrator", admin=True), ["api"])

    return Forge(sandbox.lab.url, sandbox.do(furnish), sandbox)


def commit(project: Project, branch: str, files: dict[str, str], message: str, **more: Any) -> str:
    """Create or update files through the API and return the SHA; `start_branch` makes a new branch."""
    existing = {one["path"] for one in _tree(project, more.get("start_branch", branch))}
    actions = [
        {"action": "update" if path in existing else "create", "file_path": path, "content": text}
        for path, text in files.items()
    ]
    made = project.commits.create({"branch": branch, "commit_message": message, "actions": actions, **more})
    return str(made.id)


def open_merge_request(
    project: Project, branch: str = "feature", files: dict[str, str] | None = None, **attributes: Any
) -> ProjectMergeRequest:
    """A branch with one commit on top of `main`, and its merge request."""
    commit(project, branch, files or {f"{branch}.txt": "new\n"}, f"Change {branch}", start_branch="main")
    wanted = {"source_branch": branch, "target_branch": "main", "title": f"Merge {branch}", **attributes}
    made = project.mergerequests.create(wanted)
    return project.mergerequests.get(made.iid)


def settled(project: Project, iid: int, status: str = "mergeable") -> ProjectMergeRequest:
    """The merge request once its detailed status is `status`."""

    def look() -> ProjectMergeRequest | None:
        found = project.mergerequests.get(iid)
        return found if found.detailed_merge_status == status else None

    return eventually(look, lambda: f"it stayed {project.mergerequests.get(iid).detailed_merge_status}, not {status}")


def eventually(look: Callable[[], T | None], complaint: Callable[[], str] = lambda: "nothing came") -> T:
    """Look again until something is found; the deadline is generous because the machine may be busy."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(complaint())


@contextmanager
def refused(status: int, words: str = "") -> Iterator[None]:
    """The request inside is answered with this status and an error that holds these words."""
    with pytest.raises(gitlab.GitlabError) as caught:
        yield
    assert caught.value.response_code == status, str(caught.value)
    assert words in (caught.value.response_body or b"").decode()


def _tree(project: Project, ref: str) -> list[dict[str, Any]]:
    try:
        return list(project.repository_tree(ref=ref, recursive=True, get_all=True))
    except gitlab.GitlabGetError:
        return []
