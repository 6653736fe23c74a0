"""A config repository is tied to an installation by a commit, or by a merge request where commits are refused."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acting_cases import Stage, open_stage

from bot.actions import WriteInstall
from bot.keys import ConfigKey
from bot.positions import parse_install_file
from bot.sandbox.gitlab.people import AccessLevel

WANTED = WriteInstall(
    key=ConfigKey("acme"), installation="a" * 32, asked_by="operator", because="the operator adopts it"
)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


async def named(stage: Stage) -> str:
    text = await stage.text(".sluice/install")
    return parse_install_file(text) if text else ""


async def test_one_commit_names_the_installation(stage: Stage) -> None:
    before = await stage.head()

    first = await stage.perform(WANTED)
    again = await stage.perform(WANTED)

    assert (first.effects, again.effects) == ((WANTED.effect_key,), ())
    assert await named(stage) == WANTED.installation
    assert (await stage.mirror.commit("main")).parents == (before,)
    assert stage.requests() == []


async def test_a_branch_that_takes_no_commits_takes_a_merge_request(stage: Stage) -> None:
    stage.config.protected_branches[0].push = AccessLevel.NO_ACCESS

    await stage.insist(WANTED)

    (request,) = stage.requests()
    assert (request.state, request.title) == ("merged", "Adopt this repository for Sluice")
    assert "**Asked for by** operator." in request.description
    assert await named(stage) == WANTED.installation
