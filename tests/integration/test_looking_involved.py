"""The accounts behind a release's commits are read from GitLab; what names nobody is told as unknown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from contract.api_description import check_recorded
from running import until

from bot.clients.budget import HostBudget
from bot.clients.gitlab import GitLabAPI
from bot.clock import SystemClock
from bot.looking.involved import Authorship
from bot.observing import Change, Comparison, Involved
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.server import GitLab

SHOP = "acme/shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An application's project, a developer and a maintainer."""

    gitlab: GitLab
    project: Project
    session: aiohttp.ClientSession
    authorship: Authorship
    developer: User
    maintainer: User

    async def commit(self, who: User, branch: str = "main", name: str = "file") -> str:
        """Somebody commits a file."""
        return await self.gitlab.commit_files(self.project, branch, {name: f"{name} of {branch}"}, "Change it", who)

    async def merge(self, branch: str) -> None:
        """The developer asks for a merge request, and the maintainer merges it."""
        base = f"projects/{SHOP.replace('/', '%2F')}/merge_requests"
        wanted = {"source_branch": branch, "target_branch": "main", "title": "Do it"}
        one = f"{base}/{(await self.call(self.developer, 'POST', base, **wanted))['iid']}"

        async def mergeable() -> Any:
            found = await self.call(self.maintainer, "GET", one)
            return found if found["detailed_merge_status"] == "mergeable" else None

        request = await until(mergeable, "the merge request may be merged")
        await self.call(self.maintainer, "PUT", f"{one}/merge", sha=request["sha"])

    async def call(self, who: User, method: str, path: str, **body: Any) -> Any:
        """GitLab's API as somebody."""
        headers = {"PRIVATE-TOKEN": self.gitlab.create_token(who, ("api",))}
        url = f"{self.gitlab.url}/api/v4/{path}"
        async with self.session.request(method, url, json=body or None, headers=headers) as response:
            assert response.status < 400, await response.text()
            return await response.json()

    async def involved(self, *shas: str) -> Involved:
        """Who is part of these commits."""
        brings = tuple(Change(sha=sha, title="Change it") for sha in shas)
        return await self.authorship.involved(SHOP, Comparison(brings=brings, loses=()))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    gitlab = GitLab(tmp_path / "gitlab", lambda: datetime.now(UTC))
    await gitlab.start()
    maintainer = gitlab.create_user("maintainer", "Maintainer")
    developer = gitlab.create_user("developer", "Developer", email="developer@example.org")
    bot = gitlab.create_user("sluice-bot", "Sluice", kind="project_bot")
    gitlab.create_group("acme")
    project = await gitlab.create_project(SHOP, creator=maintainer)
    gitlab.add_member(project, developer, AccessLevel.DEVELOPER)
    gitlab.add_member(project, bot, AccessLevel.REPORTER)
    await gitlab.commit_files(project, "main", {"start": "x"}, "Start", maintainer)
    async with aiohttp.ClientSession() as session:
        token = gitlab.create_token(bot, ("read_api",))
        api = GitLabAPI(gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        yield World(
            gitlab=gitlab,
            project=project,
            session=session,
            authorship=Authorship(api),
            developer=developer,
            maintainer=maintainer,
        )
        faults = [fault for one in gitlab.ledger.requests for fault in check_recorded(one)]
    await gitlab.stop()
    assert faults == []


async def test_who_opened_and_who_merged_a_merge_request_is_part_of_its_commits(world: World) -> None:
    sha = await world.commit(world.developer, "feature")
    await world.merge("feature")

    found = await world.involved(sha)

    developer, maintainer = str(world.developer.id), str(world.maintainer.id)
    assert set(found.people) == {("author", developer), ("merger", maintainer)}
    assert dict(found.names) == {developer: "developer", maintainer: "maintainer"}
    assert found.unknown == ()


async def test_an_open_merge_request_makes_nobody_part_of_a_commit_yet(world: World) -> None:
    sha = await world.commit(world.developer, "feature")

    assert (await world.involved(sha)).people == ()
    await world.merge("feature")
    assert len((await world.involved(sha)).people) == 2


async def test_a_private_commit_mail_names_its_account(world: World) -> None:
    private = world.gitlab.create_user("writer", "Writer", email="42-writer@users.noreply.gitlab.example")
    sha = await world.commit(private)

    found = await world.involved(sha)

    assert set(found.people) == {("author", "42"), ("committer", "42")}
    assert dict(found.names) == {"42": "writer"}


async def test_a_commit_that_names_no_account_is_told(world: World) -> None:
    known = await world.commit(world.developer, "feature")
    await world.merge("feature")
    pushed = await world.commit(world.developer, name="other")

    found = await world.involved(known, pushed, "0" * 40)

    assert found.unknown == (f"{pushed:.8} Change it", "00000000 Change it")


async def test_without_a_comparison_nobody_is_known(world: World) -> None:
    assert await world.authorship.involved(SHOP, None) == Involved(unknown=("all of its commits",))


async def test_a_known_commit_is_asked_for_once(world: World) -> None:
    sha = await world.commit(world.developer, "feature")
    await world.merge("feature")
    await world.involved(sha)
    asked = len(world.gitlab.ledger.requests)

    await world.involved(sha)

    assert len(world.gitlab.ledger.requests) == asked
