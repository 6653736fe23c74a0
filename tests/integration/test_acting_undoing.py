"""Pins are lifted, denials revoked and tags placed, each once, and only where the world still is as it was seen."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from acting_cases import DENIALS, FAILED_AT, KEY, MARKER, PIN, PINNED, POSITION, Stage, open_stage

from bot.actions import LiftPin, MergeRollback, PlaceTag, ProposePromotion, RevokeDenial, Way
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.records import Request
from bot.releases import Image

BRANCH = "sluice/production/shop"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


def lift(stage: Stage, version: str, way: Way = "commit", since: datetime = FAILED_AT) -> LiftPin:
    return LiftPin(
        key=KEY, release=stage.release(version), way=way, since=since, because=f"image automation selects {version}"
    )


def allow(version: str, way: Way = "commit") -> RevokeDenial:
    request = Request(id="r1", key=KEY, kind="allow", principal="operator", because="the probe was wrong", at=FAILED_AT)
    return RevokeDenial(key=KEY, version=version, request=request, way=way, because="the operator allows it")


def propose(stage: Stage, version: str) -> ProposePromotion:
    return ProposePromotion(
        key=KEY,
        release=stage.release(version),
        replaces=stage.release("1.0.0"),
        draft=False,
        changes=(),
        changes_url="",
        because="it is healthy in staging",
        rebuild=True,
    )


async def taken_back(stage: Stage) -> None:
    """1.1.0 was taken back where image automation writes."""
    stage.learn(delivery="image_automation")
    await stage.declare("1.1.0", marker=MARKER)
    await stage.perform(stage.rollback())


async def test_lifting_the_pin_gives_the_line_back_to_image_automation(stage: Stage) -> None:
    await taken_back(stage)
    await stage.mirror.fetch()
    before = await stage.text(POSITION)
    await stage.perform(propose(stage, "1.2.0"))
    (request,) = stage.requests()
    release = await stage.text(".sluice/releases/production/shop.yaml", BRANCH)
    await stage.commit({".sluice/releases/production/shop.yaml": release or ""}, "Merge it")

    outcome = await stage.perform(lift(stage, "1.2.0"))
    again = await stage.perform(lift(stage, "1.2.0"))

    assert before != stage.position("1.2.0", MARKER)
    assert request.source_branch == BRANCH
    assert (outcome.effects, again.effects) == ((lift(stage, "1.2.0").effect_key,), ())
    assert await stage.text(POSITION) == stage.position("1.2.0", MARKER)
    assert await stage.text(PIN) is None


async def test_a_pin_stays_when_git_declares_another_release(stage: Stage) -> None:
    await taken_back(stage)

    with pytest.raises(StaleError, match=r"no longer shop 1\.2\.0"):
        await stage.perform(lift(stage, "1.2.0"))

    assert await stage.pin() is not None


async def test_a_pin_that_a_merge_request_lifts_stays_until_it_is_merged(stage: Stage) -> None:
    await taken_back(stage)
    wanted = lift(stage, "1.0.0", way="merge_request")
    await stage.perform(wanted)
    (request,) = stage.requests()
    before = await stage.pin()

    await stage.insist(
        MergeRollback(
            key=KEY, merge_request=request.iid, sha=request.head_sha, release=wanted.release, because=wanted.because
        )
    )

    assert before is not None
    assert await stage.pin() is None
    assert await stage.text(POSITION) == stage.position("1.0.0", MARKER)


async def test_a_denial_is_revoked_by_a_merge_request_that_is_merged_at_once(stage: Stage) -> None:
    await stage.perform(stage.rollback())

    await stage.insist(allow("1.1.0", way="merge_request"))

    (request,) = stage.requests()
    assert request.state == "merged"
    assert await stage.denials() == ()


async def test_a_rollback_takes_the_branch_from_everything_else(stage: Stage) -> None:
    await taken_back(stage)
    await stage.perform(lift(stage, "1.0.0", way="merge_request"))
    await stage.declare("1.2.0", marker=PINNED)

    await stage.perform(stage.rollback("1.2.0", way="merge_request"))

    (request,) = stage.requests()
    assert request.title == "Roll back shop 1.2.0 to 1.0.0 in production"


async def test_a_promotion_where_flux_writes_edits_the_release_file_alone(stage: Stage) -> None:
    await taken_back(stage)

    await stage.perform(propose(stage, "1.2.0"))

    await stage.mirror.fetch()
    (request,) = stage.requests()
    changed = await stage.mirror.changed_paths("main", BRANCH)
    assert changed == (".sluice/releases/production/shop.yaml",)
    assert "Sluice lifts the pin once image automation selects exactly this release" in request.description


async def test_a_promotion_that_writes_the_positions_takes_the_pin_away(stage: Stage) -> None:
    await stage.perform(stage.rollback())

    await stage.perform(propose(stage, "1.2.0"))

    (request,) = stage.requests()
    assert await stage.pin(BRANCH) is None
    assert await stage.text(POSITION, BRANCH) == stage.position("1.2.0")
    assert await stage.text(DENIALS, BRANCH) == await stage.text(DENIALS)
    assert "Merging this lifts the pin." in request.description


async def test_an_allowed_release_is_denied_no_more(stage: Stage) -> None:
    await stage.perform(stage.rollback())
    await stage.declare("1.2.0")
    await stage.perform(stage.rollback("1.2.0"))

    outcome = await stage.perform(allow("1.1.0"))
    again = await stage.perform(allow("1.1.0"))

    assert (outcome.effects, again.effects) == ((allow("1.1.0").effect_key,), ())
    assert {denial.version for denial in await stage.denials()} == {"1.2.0"}


async def test_the_last_denial_takes_its_file_with_it(stage: Stage) -> None:
    await stage.perform(stage.rollback())

    await stage.perform(allow("1.1.0"))

    assert await stage.text(DENIALS) is None
    assert await stage.pin() is not None


async def test_allowing_what_is_not_denied_writes_nothing(stage: Stage) -> None:
    before = await stage.head()

    outcome = await stage.perform(allow("1.1.0"))

    assert outcome.effects == ()
    assert await stage.head() == before


async def test_a_rollback_that_waits_keeps_its_branch(stage: Stage) -> None:
    await stage.perform(stage.rollback())
    await stage.declare("1.2.0")
    await stage.perform(stage.rollback("1.2.0", way="merge_request"))

    with pytest.raises(TemporaryError, match=r"!1 \(Roll back shop 1\.2\.0 .* lands first"):
        await stage.perform(allow("1.1.0", way="merge_request"))

    (request,) = stage.requests()
    assert request.title == "Roll back shop 1.2.0 to 1.0.0 in production"


def placing(stage: Stage, tag: str = "1.1.0-prod", image: Image | None = None) -> PlaceTag:
    there = image or stage.release("1.1.0").images[0]
    return PlaceTag(key=KEY, image=replace(there, tag=tag), because="1.1.0 was merged")


async def test_the_tag_of_the_environment_names_the_merged_digest(stage: Stage) -> None:
    outcome = await stage.perform(placing(stage))
    again = await stage.perform(placing(stage))

    registry, repository = stage.executor.truths["acme"].images.registry(stage.image)
    assert (len(outcome.effects), len(again.effects)) == (1, 0)
    assert await registry.digest(repository, "1.1.0-prod") == stage.release("1.1.0").images[0].digest


async def test_a_tag_that_names_something_else_needs_a_person(stage: Stage) -> None:
    stage.release("1.0.0")

    with pytest.raises(PermanentError, match="a tag is never moved"):
        await stage.perform(placing(stage, tag="1.0.0"))


async def test_an_environment_with_its_own_registry_waits_until_the_image_is_copied_there(stage: Stage) -> None:
    stage.learn(delivery="image_automation", more=', registry: "{registry}/{repository}-prod"')

    with pytest.raises(TemporaryError, match=r"is not there yet.* See its job promotion-copy-production"):
        await stage.perform(placing(stage))

    stage.registry.push_image("acme/shop-prod", "copied", {}, salt="1.1.0")
    outcome = await stage.perform(placing(stage))
    assert len(outcome.effects) == 1


async def test_an_image_that_is_gone_needs_a_person(stage: Stage) -> None:
    gone = replace(stage.release("1.1.0").images[0], digest=f"sha256:{'0' * 64}")

    with pytest.raises(PermanentError, match=r"is not there\. It was deleted, or never pushed"):
        await stage.perform(placing(stage, image=gone))


async def test_an_image_that_is_there_already_is_tagged_in_its_own_registry(stage: Stage) -> None:
    stage.learn(delivery="image_automation", more=', registry: "{registry}/{repository}-prod"')
    digest = stage.registry.push_image("acme/shop-prod", "build", {}, salt="1.1.0")
    image = stage.release("1.1.0").images[0]

    await stage.perform(placing(stage))

    registry, _ = stage.executor.truths["acme"].images.registry(stage.image)
    assert digest == image.digest
    assert await registry.digest("acme/shop-prod", "1.1.0-prod") == image.digest
    assert await registry.digest("acme/shop", "1.1.0-prod") is None
