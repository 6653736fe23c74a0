"""Incidents, branch rights, and where a commit came from: the client against the embedded GitLab and its rules."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from contract.api_description import check_recorded

from bot.clients.budget import HostBudget
from bot.clients.gitlab import GitLabAPI, effects, reads
from bot.clock import SystemClock
from bot.errors import PermanentError
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Issue
from bot.sandbox.gitlab.server import GitLab

CONFIG = "acme/config"
WANTED = effects.WantedIssue(
    marker="sluice:incident:production/shop/2",
    title="shop 2 failed in production",
    description="Its canary failed.",
    labels=frozenset({"sluice", "incident"}),
    issue_type="incident",
    assignees=("maintainer", "nobody-of-this-name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A GitLab with a config project, and the bot's way to it."""

    gitlab: GitLab
    project: Project
    api: GitLabAPI
    bot: User
    person: User
    head: str

    @property
    def issues(self) -> list[Issue]:
        return list(self.project.issues.values())

    def promote(self, level: AccessLevel) -> None:
        """The bot's role from now on."""
        self.gitlab.add_member(self.project, self.bot, level)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    gitlab = GitLab(tmp_path / "gitlab", lambda: datetime.now(UTC))
    await gitlab.start()
    person = gitlab.create_user("maintainer", "Maintainer")
    bot = gitlab.create_user("sluice-bot", "Sluice", kind="project_bot")
    gitlab.create_group("acme")
    project = await gitlab.create_project(CONFIG, creator=person)
    gitlab.add_member(project, bot, AccessLevel.MAINTAINER)
    head = await gitlab.commit_files(project, "main", {"shop.yaml": "version: 1\n"}, "Start", person)
    token = gitlab.create_token(bot, ("api",))
    async with aiohttp.ClientSession() as session:
        api = GitLabAPI(gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        yield World(gitlab=gitlab, project=project, api=api, bot=bot, person=person, head=head)
        faults = [fault for one in gitlab.ledger.requests for fault in check_recorded(one)]
    await gitlab.stop()
    assert faults == []


async def test_incident_is_opened_once_and_told_anew_in_place(world: World) -> None:
    news = replace(WANTED, title="shop 2 was taken back", description="Its canary failed.\n\nGit says 1 again.")

    written = [await effects.ensure_issue(world.api, CONFIG, one) for one in (WANTED, WANTED, news, news)]

    assert [one.wrote for one in written] == [True, False, True, False]
    (issue,) = world.issues
    assert {one.external_id for one in written} == {str(issue.iid)}
    assert (issue.issue_type, issue.labels, issue.assignees) == ("incident", ["incident", "sluice"], [world.person])
    assert (issue.title, "Git says 1 again." in issue.description) == ("shop 2 was taken back", True)


async def test_twenty_workers_open_one_incident(world: World) -> None:
    made = await asyncio.gather(*(effects.ensure_issue(world.api, CONFIG, WANTED) for _ in range(20)))

    assert sum(one.wrote for one in made) == 1
    assert len(world.issues) == 1


async def test_incident_that_a_person_closed_and_sorted_stays_so(world: World) -> None:
    await effects.ensure_issue(world.api, CONFIG, WANTED)
    issue = world.issues[0]
    issue.state, issue.labels, issue.assignees = "closed", ["post-mortem"], []

    again = await effects.ensure_issue(world.api, CONFIG, replace(WANTED, description="It was taken back."))

    assert again.wrote
    assert (issue.state, issue.labels, issue.assignees) == ("closed", ["post-mortem"], [])
    assert "It was taken back." in issue.description


async def test_a_persons_issue_with_the_marker_is_not_ours(world: World) -> None:
    text = f"<!-- {WANTED.marker} -->\nforged"
    token = world.gitlab.create_token(world.person, ("api",))
    async with aiohttp.ClientSession() as session:
        theirs = GitLabAPI(world.gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        data = {"title": "forged", "description": text}
        await theirs.write("POST", f"projects/{world.project.id}/issues", dict, feature="issues", data=data)

    await effects.ensure_issue(world.api, CONFIG, WANTED)

    assert [issue.author for issue in world.issues] == [world.person, world.bot]
    assert world.issues[0].description == text


async def test_each_release_has_an_incident_of_its_own(world: World) -> None:
    await effects.ensure_issue(world.api, CONFIG, WANTED)
    await effects.ensure_issue(world.api, CONFIG, replace(WANTED, marker="sluice:incident:production/shop/21"))
    again = await effects.ensure_issue(world.api, CONFIG, WANTED)

    assert (again.wrote, again.external_id, len(world.issues)) == (False, "1", 2)


async def test_switched_off_issues_say_what_to_do(world: World) -> None:
    world.project.issues_enabled = False

    with pytest.raises(PermanentError, match=r"refused .*issues with 403.*switched off.*Switch issues on"):
        await effects.ensure_issue(world.api, CONFIG, WANTED)


async def test_a_bot_below_reporter_opens_an_issue_instead(world: World) -> None:
    world.promote(AccessLevel.GUEST)

    made = await effects.ensure_issue(world.api, CONFIG, WANTED)

    assert (made.value.issue_type, made.wrote) == ("issue", True)
    assert not (await effects.ensure_issue(world.api, CONFIG, WANTED)).wrote


async def test_a_reading_token_cannot_open_an_incident(world: World) -> None:
    token = world.gitlab.create_token(world.bot, ("read_api",))
    async with aiohttp.ClientSession() as session:
        api = GitLabAPI(world.gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        with pytest.raises(PermanentError, match="the scope api"):
            await effects.ensure_issue(api, CONFIG, WANTED)


@pytest.mark.parametrize(
    ("role", "push", "may"),
    [
        (AccessLevel.MAINTAINER, AccessLevel.MAINTAINER, True),
        (AccessLevel.MAINTAINER, AccessLevel.NO_ACCESS, False),
        (AccessLevel.DEVELOPER, AccessLevel.MAINTAINER, False),
        (AccessLevel.DEVELOPER, AccessLevel.DEVELOPER, True),
    ],
)
async def test_branch_says_whether_the_bot_may_push(
    world: World, role: AccessLevel, push: AccessLevel, may: bool
) -> None:
    world.promote(role)
    world.project.protected_branches[0].push = push

    branch = await reads.branch(world.api, CONFIG, "main")

    assert branch is not None
    assert (branch.protected, branch.can_push) == (True, may)


async def test_commit_knows_the_merge_requests_it_came_with(world: World) -> None:
    sha = await world.gitlab.commit_files(world.project, "change", {"shop.yaml": "version: 2\n"}, "Two", world.person)
    wanted = effects.WantedMergeRequest(source_branch="change", target_branch="main", title="Two", description="")
    made = await effects.ensure_merge_request(world.api, CONFIG, wanted)

    assert [one.iid for one in await reads.commit_merge_requests(world.api, CONFIG, sha)] == [made.value.iid]
    assert await reads.commit_merge_requests(world.api, CONFIG, world.head) == ()
    assert await reads.commit_merge_requests(world.api, CONFIG, "f" * 40) == ()


async def test_comparison_names_the_files_that_the_newer_changes(world: World) -> None:
    files = {"db/migrations/1.sql": "alter\n", "shop.yaml": "version: 2\n"}
    sha = await world.gitlab.commit_files(world.project, "change", files, "Two", world.person)
    await world.gitlab.commit_files(world.project, "main", {"other.txt": "x\n"}, "Other", world.person)

    found = await reads.compare(world.api, CONFIG, world.head, sha)
    back = await reads.compare(world.api, CONFIG, sha, world.head)

    assert (found.paths, found.cut) == (("db/migrations/1.sql", "shop.yaml"), False)
    assert (back.paths, back.cut) == ((), False)
