"""What GitLab says of a rollback: its merge request, the right to push, and the files a release changes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from contract.api_description import check_recorded

from bot.clients.budget import HostBudget
from bot.clients.git import Author, GitMirror
from bot.clients.gitlab import GitLabAPI, effects
from bot.clock import SystemClock
from bot.keys import EnvironmentKey
from bot.looking.git_truth import GitTruth
from bot.looking.gitlab_truth import GitLabTruth
from bot.looking.images import Images
from bot.positions import release_file
from bot.releases import Image, Release
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.server import GitLab
from bot.tenants import Tenant

CONFIG = "acme/config"
KEY = EnvironmentKey("demo", "shop", "production")
WHEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
FILE = ".sluice/releases/production/shop.yaml"


def release(version: str, commit: str = "") -> Release:
    digest = f"sha256:{version * 64}"
    image = Image(name="registry.example.org/shop", digest=digest, tag=version)
    return Release(application="shop", images=(image,), version=version, commit=commit)


GOOD, BAD = release("1"), release("2")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A GitLab whose config project declares the bad release, and what looks at it."""

    gitlab: GitLab
    project: Project
    api: GitLabAPI
    git: GitTruth
    truth: GitLabTruth
    bot: User
    person: User

    async def push(self, branch: str) -> str:
        """A commit of ours that declares the good release."""
        mirror = self.git.mirror
        await mirror.fetch()
        files: dict[str, bytes | None] = {FILE: release_file(GOOD, "production").encode()}
        message = "Take shop 2 back\n\nSluice-Effect: rollback:demo/shop@production\n"
        sha = await mirror.commit_on("main", files, message=message, when=WHEN)
        await mirror.push(sha, branch, lease=await mirror.head(branch))
        return sha

    async def ask(self, branch: str, purpose: str = "rollback", named: Release = BAD) -> int:
        """The merge request of a branch."""
        text = f"<!-- sluice:{purpose} demo/shop@production release={named.id} -->\n\nIts canary failed."
        wanted = effects.WantedMergeRequest(
            source_branch=branch, target_branch="main", title="Take shop 2 back", description=text
        )
        return (await effects.ensure_merge_request(self.api, CONFIG, wanted)).value.iid


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    gitlab = GitLab(tmp_path / "gitlab", lambda: datetime.now(UTC))
    await gitlab.start()
    person = gitlab.create_user("maintainer", "Maintainer")
    bot = gitlab.create_user("sluice-bot", "Sluice", kind="project_bot")
    gitlab.create_group("acme")
    project = await gitlab.create_project(CONFIG, creator=person)
    gitlab.add_member(project, bot, AccessLevel.MAINTAINER)
    await gitlab.commit_files(project, "main", {FILE: release_file(BAD, "production")}, "Start", person)
    token = gitlab.create_token(bot, ("api", "write_repository"))
    author = Author(name="Sluice", email="sluice@example.org")
    mirror = GitMirror(tmp_path / "mirror.git", f"{gitlab.url}/{CONFIG}.git", lambda: token, author)
    tenant = Tenant(name="demo", config_project=CONFIG, branch="main", projects=())
    git = GitTruth(tenant=tenant, mirror=mirror, images=Images(registries={}))
    async with aiohttp.ClientSession() as session:
        api = GitLabAPI(gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        truth = GitLabTruth(api=api, bot=api)
        yield World(gitlab=gitlab, project=project, api=api, git=git, truth=truth, bot=bot, person=person)
        faults = [fault for one in gitlab.ledger.requests for fault in check_recorded(one)]
    await mirror.close()
    await gitlab.stop()
    assert faults == []


async def test_open_rollback_is_seen_with_its_head_and_proof(world: World) -> None:
    sha = await world.push(KEY.rollback_branch)
    iid = await world.ask(KEY.rollback_branch)

    seen = await world.truth.rollback_request(world.git, KEY)

    assert seen is not None
    assert (seen.iid, seen.sha, seen.state, seen.ours) == (iid, sha, "opened", True)
    assert (seen.proposes, seen.release_id) == (GOOD, BAD.id)
    assert seen.proof.verdict == "none"


async def test_closed_rollback_is_not_seen(world: World) -> None:
    await world.push(KEY.rollback_branch)
    await effects.ensure_merge_request_closed(world.api, CONFIG, await world.ask(KEY.rollback_branch))

    assert await world.truth.rollback_request(world.git, KEY) is None


async def test_promotion_is_no_rollback(world: World) -> None:
    await world.push(KEY.branch)
    iid = await world.ask(KEY.branch, purpose="promotion", named=GOOD)
    promotion = await world.truth.merge_request(world.git, KEY, None)

    assert await world.truth.rollback_request(world.git, KEY) is None
    assert promotion is not None
    assert (promotion.iid, promotion.release_id) == (iid, GOOD.id)


async def test_merge_request_that_lifts_a_pin_names_no_release_that_is_taken_back(world: World) -> None:
    await world.push(KEY.rollback_branch)
    await world.ask(KEY.rollback_branch, purpose="unpin", named=GOOD)

    seen = await world.truth.rollback_request(world.git, KEY)

    assert seen is not None
    assert (seen.release_id, seen.proposes) == ("", GOOD)


async def test_a_persons_commit_on_the_branch_is_not_ours(world: World) -> None:
    await world.push(KEY.rollback_branch)
    await world.ask(KEY.rollback_branch)
    await world.gitlab.commit_files(world.project, KEY.rollback_branch, {"a.txt": "1"}, "Wait", world.person)
    await world.git.mirror.fetch()

    seen = await world.truth.rollback_request(world.git, KEY)

    assert seen is not None
    assert not seen.ours


async def test_rights_follow_the_protection_of_the_branch(world: World) -> None:
    before = await world.truth.rights(CONFIG, "main")
    world.project.protected_branches[0].push = AccessLevel.NO_ACCESS
    after = await world.truth.rights(CONFIG, "main")

    assert (before.may_push, after.may_push) == (True, False)
    assert after.because == "main of acme/config is protected and does not let sluice-bot push"
    assert not (await world.truth.rights(CONFIG, "gone")).may_push


async def test_comparison_tells_the_files_between_two_releases(world: World) -> None:
    shop = await world.gitlab.create_project("acme/shop", creator=world.person)
    world.gitlab.add_member(shop, world.bot, AccessLevel.DEVELOPER)
    one = await world.gitlab.commit_files(shop, "main", {"app.py": "1\n"}, "One", world.person)
    files = {"db/migrations/2.sql": "alter\n", "app.py": "2\n"}
    two = await world.gitlab.commit_files(shop, "main", files, "Two", world.person)

    found = await world.truth.comparison("acme/shop", release("1", one), release("2", two))

    assert found is not None
    assert (found.paths, found.cut) == (("app.py", "db/migrations/2.sql"), False)
    assert [change.title for change in found.brings] == ["Two"]
