"""The clients against the embedded GitLab and its rules: what they read is understood, and nothing is doubled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from bot.clients.budget import HostBudget
from bot.clients.git import Author, GitMirror
from bot.clients.gitlab import GitLabAPI, GitLabRefusal, effects, reads
from bot.clients.gitlab.models import DeploymentState, StatusState
from bot.clock import SystemClock
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.server import GitLab

T = TypeVar("T")
CONFIG = "acme/config"
BRANCH = "sluice/staging/shop"
WHEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WANTED = effects.WantedMergeRequest(
    source_branch=BRANCH,
    target_branch="main",
    title="Promote shop 2 to staging",
    description="Because it is healthy in dev.",
    labels=frozenset({"sluice"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A GitLab with a config project, and the bot's way to it."""

    gitlab: GitLab
    api: GitLabAPI
    mirror: GitMirror
    bot: User
    head: str


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    gitlab = GitLab(tmp_path / "gitlab", lambda: datetime.now(UTC))
    await gitlab.start()
    owner = gitlab.create_user("maintainer", "Maintainer")
    bot = gitlab.create_user("sluice-bot", "Sluice", kind="project_bot")
    gitlab.create_group("acme")
    project = await gitlab.create_project(CONFIG, creator=owner)
    gitlab.add_member(project, bot, AccessLevel.MAINTAINER)
    files = {"releases/staging/shop.yaml": "version: 1\n", ".gitlab-ci.yml": 'check:\n  script: ["true"]\n'}
    head = await gitlab.commit_files(project, "main", files, "Start", owner)
    token = gitlab.create_token(bot, ("api", "write_repository"))
    author = Author(name="Sluice", email="sluice@example.org")
    mirror = GitMirror(tmp_path / "mirror.git", f"{gitlab.url}/{CONFIG}.git", lambda: token, author)
    async with aiohttp.ClientSession() as session:
        api = GitLabAPI(gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        yield World(gitlab=gitlab, api=api, mirror=mirror, bot=bot, head=head)
    await mirror.close()
    await gitlab.stop()


async def proposed(world: World, version: str = "2") -> str:
    """A commit on the promotion's branch."""
    await world.mirror.fetch()
    files = {"releases/staging/shop.yaml": f"version: {version}\n".encode()}
    sha = await world.mirror.commit_on("main", files, message=f"Promote shop {version}", when=WHEN)
    await world.mirror.push(sha, BRANCH, lease=await world.mirror.head(BRANCH))
    return sha


async def until(ask: Callable[[], Awaitable[T]], enough: Callable[[T], bool]) -> T:
    async with asyncio.timeout(15):
        while not enough(found := await ask()):
            await asyncio.sleep(0.02)
    return found


async def test_a_promotion_goes_from_a_push_to_the_default_branch(world: World) -> None:
    sha = await proposed(world)
    made = await effects.ensure_merge_request(world.api, CONFIG, WANTED)
    iid = made.value.iid

    async def merge() -> effects.MergeOutcome:
        return await effects.ensure_merged(world.api, CONFIG, iid, sha=sha)

    merged = await until(merge, lambda outcome: isinstance(outcome, effects.Merged))
    again = await merge()
    await world.mirror.fetch()

    assert isinstance(merged, effects.Merged)
    assert isinstance(again, effects.Merged)
    assert (merged.wrote, again.wrote) == (True, False)
    assert again.landed == merged.landed
    assert await world.mirror.read("main", "releases/staging/shop.yaml") == b"version: 2\n"
    assert await world.mirror.contains(merged.landed, "main")
    assert await world.mirror.head(BRANCH) is None


async def test_fifty_workers_make_one_merge_request(world: World) -> None:
    await proposed(world)

    made = await asyncio.gather(*(effects.ensure_merge_request(world.api, CONFIG, WANTED) for _ in range(50)))

    assert {one.external_id for one in made} == {"1"}
    assert sum(one.wrote for one in made) == 1
    assert len(await reads.merge_requests(world.api, CONFIG, source_branch=BRANCH)) == 1


async def test_a_merge_request_is_updated_in_place_and_closed_once(world: World) -> None:
    await proposed(world)
    await effects.ensure_merge_request(world.api, CONFIG, WANTED)
    newer = effects.WantedMergeRequest(
        source_branch=BRANCH,
        target_branch="main",
        title="Promote shop 3 to staging",
        description="Newer.",
        labels=frozenset({"sluice"}),
        draft=True,
    )

    changed = await effects.ensure_merge_request(world.api, CONFIG, newer)
    same = await effects.ensure_merge_request(world.api, CONFIG, newer)
    closed = await effects.ensure_merge_request_closed(world.api, CONFIG, 1)
    closed_again = await effects.ensure_merge_request_closed(world.api, CONFIG, 1)

    assert (changed.wrote, same.wrote, closed.wrote, closed_again.wrote) == (True, False, True, False)
    assert (changed.value.draft, changed.value.title) == (True, "Draft: Promote shop 3 to staging")
    assert [
        found.iid for found in await reads.merge_requests(world.api, CONFIG, state="closed", labels=["sluice"])
    ] == [1]


async def test_a_head_that_moved_is_never_merged(world: World) -> None:
    sha = await proposed(world)
    await effects.ensure_merge_request(world.api, CONFIG, WANTED)
    await proposed(world, "3")

    with pytest.raises(StaleError):
        await until(
            lambda: effects.ensure_merged(world.api, CONFIG, 1, sha=sha),
            lambda outcome: isinstance(outcome, effects.Merged),
        )

    assert (await reads.merge_request(world.api, CONFIG, 1)).state == "opened"


async def test_a_persons_push_to_the_branch_is_kept(world: World) -> None:
    sha = await proposed(world)
    project, person = world.gitlab.project(CONFIG), world.gitlab.user("maintainer")
    theirs = await world.gitlab.commit_files(project, BRANCH, {"note.txt": "wait"}, "Wait", person)
    ours = await world.mirror.commit_on(sha, {"a.txt": b"1"}, message="m", when=WHEN)

    with pytest.raises(StaleError):
        await world.mirror.push(ours, BRANCH, lease=sha)

    await world.mirror.fetch()
    assert await world.mirror.head(BRANCH) == theirs


async def test_the_default_branch_is_closed_to_a_developer(world: World) -> None:
    world.gitlab.add_member(world.gitlab.project(CONFIG), world.bot, AccessLevel.DEVELOPER)
    await world.mirror.fetch()
    made = await world.mirror.commit_on(world.head, {"a.txt": b"1"}, message="m", when=WHEN)

    with pytest.raises(PermanentError, match="protected"):
        await world.mirror.push_default(made, "main", expected_parent=world.head)


async def test_no_status_is_ever_refused_by_gitlabs_rules(world: World) -> None:
    pipelines = await until(
        lambda: reads.pipelines(world.api, CONFIG, sha=world.head),
        lambda found: bool(found) and found[0].status == "success",
    )
    states: list[StatusState] = ["running", "running", "success", "success", "running", "failed"]
    wanted = [
        effects.WantedStatus(sha=world.head, ref="main", name=name, state=state, pipeline_id=pipelines[0].id)
        for state in states
        for name in ("sluice/dev", "sluice/staging")
    ]

    written = [await effects.ensure_commit_status(world.api, CONFIG, one) for one in wanted]

    assert [one.wrote for one in written[::2]] == [True, False, True, False, True, True]
    assert world.gitlab.ledger.writes(succeeded=False) == []
    rows = await reads.commit_statuses(world.api, CONFIG, world.head)
    assert {row.name: row.status for row in rows if row.name.startswith("sluice/")} == {
        "sluice/dev": "failed",
        "sluice/staging": "failed",
    }
    sources = [pipeline.source for pipeline in await reads.pipelines(world.api, CONFIG, sha=world.head)]
    assert "external" not in sources


async def test_statuses_sent_together_are_written_once(world: World) -> None:
    pipelines = await until(lambda: reads.pipelines(world.api, CONFIG, sha=world.head), bool)
    wanted = effects.WantedStatus(
        sha=world.head, ref="main", name="sluice/dev", state="success", pipeline_id=pipelines[0].id
    )

    written = await asyncio.gather(*(effects.ensure_commit_status(world.api, CONFIG, wanted) for _ in range(20)))

    assert sum(one.wrote for one in written) == 1


async def test_one_note_says_the_latest(world: World) -> None:
    await proposed(world)
    await effects.ensure_merge_request(world.api, CONFIG, WANTED)
    bodies = ["one gate is red", "one gate is red", "all gates are green\n\n| gate | because |\n|---|---|\n"]

    written = [await effects.ensure_note(world.api, CONFIG, 1, marker="sluice:gates", body=body) for body in bodies]

    assert [one.wrote for one in written] == [True, False, True]
    ours = [note for note in await reads.notes(world.api, CONFIG, 1) if not note.system]
    assert len(ours) == 1
    assert "all gates are green" in ours[0].body


async def test_a_deployment_runs_through_its_states_once(world: World) -> None:
    since = datetime.now(UTC)
    await effects.ensure_environment(world.api, CONFIG, "staging", tier="staging")

    def wanted(status: DeploymentState) -> effects.WantedDeployment:
        return effects.WantedDeployment(
            environment="staging", sha=world.head, ref="main", tag=False, status=status, since=since
        )

    states: list[DeploymentState] = ["running", "running", "success", "success", "running"]
    written = [await effects.ensure_deployment(world.api, CONFIG, wanted(state)) for state in states]

    assert [one.wrote for one in written] == [True, False, True, False, False]
    assert len({one.external_id for one in written}) == 1
    found = await reads.deployments(world.api, CONFIG, environment="staging", sha=world.head)
    assert [one.status for one in found] == ["success"]
    assert [one.name for one in await reads.environments(world.api, CONFIG)] == ["staging"]


async def test_everything_else_that_is_read_is_understood(world: World) -> None:
    api, project = world.api, world.gitlab.project(CONFIG)
    sha = await proposed(world)
    await effects.ensure_merge_request(api, CONFIG, WANTED)
    await world.gitlab.create_tag(project, "v1.0.0", world.head)
    found = await until(lambda: reads.merge_request_pipelines(api, CONFIG, 1), bool)

    assert (await reads.metadata(api)).version
    assert (await reads.own_user(api)).username == "sluice-bot"
    assert (await reads.project(api, CONFIG)).default_branch == "main"
    member = await reads.member(api, CONFIG, world.bot.id)
    assert member is not None
    assert member.access_level == 40
    assert await reads.member(api, CONFIG, 999) is None
    assert (await reads.merge_request(api, CONFIG, 1)).sha == sha
    assert (await reads.approvals(api, CONFIG, 1)).approved_by == ()
    assert (await reads.pipeline(api, CONFIG, found[0].id)).sha == sha
    assert [job.name for job in await reads.pipeline_jobs(api, CONFIG, found[0].id)] == ["check"]
    commit = await reads.commit(api, CONFIG, "main")
    assert commit is not None
    assert (commit.id, commit.title) == (world.head, "Start")
    assert await reads.commit(api, CONFIG, "f" * 40) is None
    compared = await reads.compare(api, CONFIG, "main", sha)
    assert ([one.id for one in compared.commits], compared.total) == ([sha], 1)
    branch = await reads.branch(api, CONFIG, BRANCH)
    assert branch is not None
    assert branch.commit.id == sha
    assert [tag.name for tag in await reads.tags(api, CONFIG)] == ["v1.0.0"]
    tag = await reads.tag(api, CONFIG, "v1.0.0")
    assert tag is not None
    assert tag.commit.id == world.head
    assert await reads.file(api, CONFIG, "releases/staging/shop.yaml", ref=sha) == b"version: 2\n"


async def test_a_missing_project_and_a_revoked_token_are_told_apart(world: World) -> None:
    with pytest.raises(GitLabRefusal, match="may not see it"):
        await reads.project(world.api, "acme/none")

    world.gitlab.revoke_token(world.api.access_token or "")
    with pytest.raises(GitLabRefusal, match="expired or revoked"):
        await reads.project(world.api, CONFIG)
    with pytest.raises(PermanentError, match="does not accept the token"):
        await world.mirror.fetch()


async def test_a_gitlab_that_is_away_is_temporary(world: World) -> None:
    await world.gitlab.stop()

    with pytest.raises(TemporaryError):
        await effects.ensure_merge_request(world.api, CONFIG, WANTED)
    with pytest.raises(TemporaryError):
        await world.mirror.fetch()
