"""The sandbox GitLab as one object: started, stopped, furnished and observed from inside the process."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from aiohttp import web

from bot.sandbox.gitlab.api import TABLES
from bot.sandbox.gitlab.dispatch import API, FrontDoor
from bot.sandbox.gitlab.faults import FaultPlan
from bot.sandbox.gitlab.instance import Edition, Instance, PipelineResult, Timings
from bot.sandbox.gitlab.ledger import Ledger
from bot.sandbox.gitlab.limits import RateLimits
from bot.sandbox.gitlab.merging import merge_when_green
from bot.sandbox.gitlab.people import AccessLevel, Group, User, UserKind
from bot.sandbox.gitlab.pipelines import finish
from bot.sandbox.gitlab.post_receive import after_refs_moved
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Hook
from bot.sandbox.gitlab.registration import new_group, new_hook, new_project, new_token, new_user
from bot.sandbox.gitlab.repository import ZERO_SHA, RefChange
from bot.sandbox.gitlab.repository_writes import signature_of, write_commit
from bot.sandbox.gitlab.routing import Router
from bot.sandbox.gitlab.smart_http import SmartHttp, install_hooks
from bot.sandbox.gitlab.webhook_queue import WebhookQueue

PipelineStatus = Literal["success", "failed", "running", "manual", "canceled", "skipped"]


class GitLab:
    """An honest GitLab on a local port. The methods below are the hand of its administrator; all else is HTTP."""

    def __init__(self, data_dir: Path, clock: Callable[[], datetime], edition: Edition = "free") -> None:
        self.instance = Instance(data_dir, clock, edition)
        self.instance.pipeline_watchers.append(partial(merge_when_green, self.instance))
        self._hooks_folder = data_dir / "hooks"
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one, told by `url`."""
        install_hooks(self._hooks_folder)
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", API + "/{tail:.*}", FrontDoor(self.instance, Router(TABLES)).handle)
        app.router.add_route("*", "/{path:.+?\\.git/.*}", SmartHttp(self.instance, self._hooks_folder).handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.instance.url = f"http://{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening and end background work; the repositories stay."""
        await self.instance.cancel_background()
        await self.instance.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Without a trailing slash, e.g. `http://127.0.0.1:40123`."""
        return self.instance.url

    @property
    def faults(self) -> FaultPlan:
        return self.instance.faults

    @property
    def ledger(self) -> Ledger:
        """Every request and push: `.requests`, `.writes()`, `.by_natural_key()`, `.reads`."""
        return self.instance.ledger

    @property
    def limits(self) -> RateLimits:
        return self.instance.limits

    @property
    def timings(self) -> Timings:
        return self.instance.timings

    @property
    def webhooks(self) -> WebhookQueue:
        """`.deliveries` are the attempts; `.auto_disable` turns on what GitLab.com does to failing hooks."""
        return self.instance.webhooks

    def reset_counters(self) -> None:
        self.instance.ledger.clear()

    async def settle(self) -> None:
        """Wait until pipelines, mergeability checks and webhooks under way are done."""
        await self.instance.settle()

    def project(self, path: str) -> Project:
        """The project at a full path; a KeyError names the path."""
        found = self.instance.project(path)
        if found is None:
            raise KeyError(f"the sandbox has no project {path}")
        return found

    def user(self, username: str) -> User:
        found = self.instance.user_named(username)
        if found is None:
            raise KeyError(f"the sandbox has no user {username}")
        return found

    def create_user(
        self, username: str, name: str, *, admin: bool = False, kind: UserKind = "human", email: str | None = None
    ) -> User:
        return new_user(self.instance, username, name, admin=admin, kind=kind, email=email)

    def create_token(
        self,
        user: User,
        scopes: Iterable[str] = ("api",),
        *,
        kind: Literal["personal", "project"] = "personal",
        project: Project | None = None,
    ) -> str:
        """Return a fresh token value; a project token is bound to its project."""
        return new_token(self.instance, user, scopes, kind=kind, project=project).value

    def revoke_token(self, value: str) -> None:
        self.instance.tokens[value].revoked = True

    def create_group(self, path: str, *, name: str | None = None) -> Group:
        return new_group(self.instance, path, name=name)

    async def create_project(self, path: str, *, creator: User, **settings: object) -> Project:
        """Make an empty project; `settings` are fields of Project, e.g. `merge_method="ff"`."""
        return new_project(self.instance, path, creator=creator, **settings)

    def add_member(self, owner: Project | Group, user: User, level: AccessLevel) -> None:
        owner.members[user.id] = level

    def add_hook(
        self,
        owner: Project | Group | None,
        url: str,
        *,
        token: str | None = None,
        signing_token: str | None = None,
        events: Iterable[str] | None = None,
    ) -> Hook:
        """Register a webhook of a project, a group or (None) the instance; `events` e.g. `push_events`."""
        return new_hook(self.instance, owner, url, token=token, signing_token=signing_token, events=events)

    async def commit_files(
        self, project: Project, branch: str, files: Mapping[str, str | bytes | None], message: str, author: User
    ) -> str:
        """Commit as if pushed, rights apart: hooks, pipelines and merge requests follow. None deletes a file.

        A new branch starts at the default branch. Returns the commit's SHA.
        """
        repository, at = project.repository, self.instance.now()
        changes = {path: None if text is None else ("100644", _bytes(text)) for path, text in files.items()}
        async with repository.lock:
            before = repository.branch(branch)
            sha = await write_commit(
                repository,
                branch=branch,
                parent=before or repository.branch(project.default_branch),
                changes=changes,
                message=message,
                author=signature_of(author, at),
                committer=signature_of(author, at),
            )
            change = RefChange(ref=f"refs/heads/{branch}", before=before or ZERO_SHA, after=sha)
            await after_refs_moved(self.instance, project, [change], author)
        return sha

    async def create_tag(self, project: Project, name: str, sha: str, *, user: User | None = None) -> None:
        """Tag a commit as if pushed; moves an existing tag."""
        async with project.repository.lock:
            change = await project.repository.set_ref(f"refs/tags/{name}", sha)
            await after_refs_moved(self.instance, project, [change], user or project.creator)

    def set_pipeline_result(self, sha: str, status: PipelineStatus, *, after: float | None = None) -> None:
        """Say how the pipelines of a commit end, now and later ones; a waiting or finished one is brought there."""
        lab = self.instance
        lab.pipeline_results[sha] = PipelineResult(status=status, after=after)
        for project in lab.projects.values():
            for pipeline in project.pipelines:
                if pipeline.matches(sha) and pipeline.source != "external" and status != "running":
                    lab.spawn(finish(lab, project, pipeline, lab.pipeline_results[sha]))


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
