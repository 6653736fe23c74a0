"""The whole state of one sandbox GitLab, and the few things every part of it needs."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from bot.sandbox.gitlab.faults import FaultPlan
from bot.sandbox.gitlab.ledger import Ledger
from bot.sandbox.gitlab.limits import RateLimits
from bot.sandbox.gitlab.people import AccessLevel, Group, Token, User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Hook, Pipeline
from bot.sandbox.gitlab.webhook_queue import WebhookQueue

Edition = Literal["free", "paid"]


@dataclass(slots=True, kw_only=True)
class Timings:
    """How long background work of GitLab takes here, in seconds."""

    prepare: float = 0.02
    """From the creation of a merge request until `prepared_at` is set."""
    check: float = 0.02
    """Each step of a mergeability check: unchecked, checking, verdict."""
    pipeline: float = 0.05
    """From the creation of a pipeline until its result."""


@dataclass(slots=True, kw_only=True)
class PipelineResult:
    """How the pipelines of a commit end; `running` and `manual` stay there."""

    status: Literal["success", "failed", "running", "manual", "canceled", "skipped"] = "success"
    after: float | None = None


class Instance:
    """Users, projects and settings by id, in memory; repositories are real ones below `data_dir`."""

    def __init__(self, data_dir: Path, clock: Callable[[], datetime], edition: Edition) -> None:
        self.data_dir = data_dir
        self.now = clock
        self.edition = edition
        self.url = ""
        self.users: dict[int, User] = {}
        self.tokens: dict[str, Token] = {}
        self.groups: dict[int, Group] = {}
        self.projects: dict[int, Project] = {}
        self.system_hooks: list[Hook] = []
        self.group_hooks: list[Hook] = []
        self.pipeline_results: dict[str, PipelineResult] = {}
        self.timings = Timings()
        self.faults = FaultPlan()
        self.ledger = Ledger()
        self.limits = RateLimits()
        self.webhooks = WebhookQueue(self)
        self.pipeline_watchers: list[Callable[[Project, Pipeline], Coroutine[None, None, None]]] = []
        self.status_locks: defaultdict[tuple[int, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ids: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        self._tasks: set[asyncio.Task[None]] = set()

    def next_id(self, kind: str) -> int:
        return next(self._ids[kind])

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run background work until it ends or the instance stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until all background work (pipelines, checks, webhooks) is done."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cancel_background(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def project(self, key: str) -> Project | None:
        """Find a project by number or by full path."""
        if key.isdecimal():
            return self.projects.get(int(key))
        return next((one for one in self.projects.values() if one.path_with_namespace == key), None)

    def user_named(self, username: str) -> User | None:
        return next((one for one in self.users.values() if one.username == username), None)

    def hooks_of(self, project: Project) -> list[Hook]:
        group_id = project.group.id if project.group else None
        return [*project.hooks, *(hook for hook in self.group_hooks if hook.group_id == group_id), *self.system_hooks]

    def level(self, user: User | None, project: Project) -> AccessLevel:
        """The highest access level a user holds on a project, inherited membership included."""
        if user is None:
            return AccessLevel.NO_ACCESS
        if user.admin:
            return AccessLevel.ADMIN
        if project.namespace_path == user.username:
            return AccessLevel.OWNER
        inherited = project.group.members.get(user.id) if project.group else None
        return max(project.members.get(user.id, AccessLevel.NO_ACCESS), inherited or AccessLevel.NO_ACCESS)
