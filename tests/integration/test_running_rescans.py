"""A release that was taken back stays back, however production's image is chosen and however often Flux looks."""

import os
from pathlib import Path

import pytest
from running import Running, running, until
from running_promotions import merge, release, to_production, until_ready, until_told
from running_rescans import (
    BY_ALPHABET,
    BY_NUMBER,
    BY_PLAIN_VERSION,
    BY_PREFIX,
    BY_VERSION,
    CHUNK,
    IMAGES,
    POSITION,
    REPOSITORY,
    WITH_PRERELEASES,
    Kind,
    chooses,
    chosen_by,
    kept,
    outdated,
    rescan,
    restarted,
    selection,
)
from running_rollbacks import canary_will, into_production, production, rewrite, serving, until_taken_back

from bot.demo.history import repromotions_of_denied
from bot.demo.witness import Witness

pytestmark = pytest.mark.slow

EVERY = os.environ.get("SLUICE_RESCANS") == "all"
RESCANS = 1000
OWN = "prod/demo/demo-service"
KINDS = {
    "semver, suffix": Kind(),
    "semver, suffix, no filter": Kind(choice=WITH_PRERELEASES, repository=OWN),
    "semver, prefix": Kind(choice=BY_PREFIX, tag="prod-{version}"),
    "semver, plain": Kind(choice=BY_PLAIN_VERSION, tag="{version}", repository=OWN),
    "numerical": Kind(choice=BY_NUMBER),
    "alphabetical": Kind(choice=BY_ALPHABET),
}


COMMON = ("semver, suffix", "numerical")
"""What every run of the tests tries; `make rescans` tries them all."""
full = pytest.mark.skipif(not EVERY, reason="takes most of a minute: `make rescans` runs every case")


@pytest.mark.parametrize("name", KINDS if EVERY else COMMON)
async def test_no_kind_of_image_policy_brings_back_what_was_taken_back(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    async with running(tmp_path) as world:
        await taken_back(world, kind)
        before = await kept(world, kind)

        await rescan(world, RESCANS)

        assert selection(world).tag == kind.tag_of("1.1.0")
        assert await kept(world, kind) == before
        await goes_through(world, kind, "1.1.1")
        assert await came_again(world, tmp_path) == 0


async def test_moving_the_bad_tag_to_a_rebuild_and_back_brings_nothing_back(tmp_path: Path) -> None:
    kind = Kind(digest=True)
    async with running(tmp_path) as world:
        bad = await taken_back(world, kind)
        rebuilt = rebuild(world)
        before = await kept(world, kind)

        for digest in [rebuilt, bad] * (RESCANS // CHUNK // 2):
            world.sandbox.registry.tag(REPOSITORY, kind.tag_of("1.1.0"), digest)
            await rescan(world, CHUNK)
            assert selection(world).digest == digest

        assert await kept(world, kind) == before
        await goes_through(world, kind, "1.1.1")
        assert await came_again(world, tmp_path) == 0


@full
async def test_outdated_selections_and_a_restart_bring_nothing_back(tmp_path: Path) -> None:
    kind = Kind()
    async with running(tmp_path) as world:
        bad = await taken_back(world, kind)
        rebuilt = rebuild(world)
        before = await kept(world, kind)
        wrong = outdated(world)

        await retag_and_rescan(world, [rebuilt, bad, rebuilt, bad, rebuilt])
        async with restarted(world) as again:
            await retag_and_rescan(again, [bad, rebuilt, bad, rebuilt, bad])

            assert wrong
            assert await kept(again, kind) == before
            await goes_through(again, kind, "1.1.1")
            assert await came_again(again, tmp_path) == 0


async def retag_and_rescan(world: Running, digests: list[str]) -> None:
    """The bad version's tag moves from digest to digest, each with its looks."""
    for digest in digests:
        world.sandbox.registry.tag(REPOSITORY, "1.1.0-prod", digest)
        await rescan(world, CHUNK)


@full
async def test_image_policy_that_lets_build_tags_through_keeps_the_pin_until_it_is_mended(tmp_path: Path) -> None:
    kind = Kind()
    async with running(tmp_path) as world:
        await taken_back(world, kind)
        await rewrite(world, IMAGES, BY_VERSION, WITH_PRERELEASES)
        await until(lambda: has_chosen(world, WITH_PRERELEASES), "the image policy lets build tags through")
        before = await kept(world, kind)

        await rescan(world, RESCANS)

        assert selection(world).tag == "1.1.0"
        assert await kept(world, kind) == before
        await canary_will(world, "succeed")
        await until_told(world, await release(world, "1.1.1"), "staging")
        await merge(world, await until_ready(world, "production", "1.1.1"))
        await kept(world, kind)
        assert (await production(world)).pin
        await rewrite(world, IMAGES, WITH_PRERELEASES, BY_VERSION)
        await until_lifted(world)
        assert (await production(world)).tag == "1.1.1-prod"
        assert await came_again(world, tmp_path) == 0


async def has_chosen(world: Running, choice: str) -> bool:
    """Whether the cluster's image policy is of this form."""
    return chooses(world, choice)


@full
async def test_build_tag_that_an_image_policy_lets_through_is_called_bypassed_and_serves_nobody(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await rewrite(world, IMAGES, BY_VERSION, WITH_PRERELEASES)
        await until(lambda: has_chosen(world, WITH_PRERELEASES), "the image policy lets build tags through")
        await world.adopt()
        await until_told(world, await release(world, "1.1.0"), "staging")
        await until(lambda: is_called(world, "bypassed"), "what came past its gates is called bypassed")
        before = await kept(world, Kind())

        await rescan(world, RESCANS)

        assert (await production(world)).tag == "1.1.0"
        assert await kept(world, Kind()) == before
        assert serving(world) == [f"{world.sandbox.registry.host}/{REPOSITORY}:1.0.0"]


async def is_called(world: Running, word: str) -> bool:
    """Whether a reason that the bot gives for production has the word."""
    found = await world.api("why?application=demo-service&environment=production")
    return any(word in one["because"] for one in found["explained"])


async def test_one_look_brings_it_back_where_a_person_undoes_the_marker_until_it_is_restored(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await taken_back(world, Kind())
        good = serving(world)

        async def restored() -> bool:
            there = await production(world)
            pinned = there.tag == "1.0.0-prod" and there.marker.startswith('{"$sluice-pinned"')
            return pinned and await came_again(world, tmp_path) == 1

        await rewrite(world, POSITION, "$sluice-pinned", "$imagepolicy")
        await until(restored, "image automation writes the bad tag again, and the bot restores what was there")
        before = await kept(world, Kind())
        await rescan(world, RESCANS)

        assert await kept(world, Kind()) == before
        assert await came_again(world, tmp_path) == 1
        assert serving(world) == good


async def taken_back(world: Running, kind: Kind) -> str:
    """Production's image is chosen in this way, 1.1.0 failed there, Flux selects it, and Git says 1.0.0; its digest."""
    await chosen_by(world, kind)
    await world.adopt()
    await canary_will(world, "fail")
    commit = await into_production(world, "1.1.0")
    await until_taken_back(world, commit, "1.0.0")
    await until(lambda: runs_again(world), "GitLab shows that 1.0.0 runs again")
    there, found = await production(world), selection(world)
    assert (there.tag, found.tag) == (kind.tag_of("1.0.0"), kind.tag_of("1.1.0"))
    assert found.digest in there.denials
    return found.digest


async def runs_again(world: Running) -> bool:
    """Whether the last thing is told that a rollback has to tell: a deployment of what runs again."""
    found = await world.gitlab(f"projects/{world.application}/deployments?environment=production&sort=desc")
    return [(one["sha"], one["status"]) for one in found[:1]] == [(world.sandbox.first_release.commit, "success")]


def rebuild(world: Running) -> str:
    """The digest of another image of 1.1.0."""
    labels = {"org.opencontainers.image.version": "1.1.0"}
    return world.sandbox.registry.push_image(REPOSITORY, "rebuilt", labels, salt="rebuilt")


async def goes_through(world: Running, kind: Kind, version: str) -> None:
    """A mended release reaches production, and image automation writes there again."""
    await canary_will(world, "succeed")
    await to_production(world, await release(world, version))
    await until_lifted(world)
    there = await production(world)
    assert (there.release.version, there.tag) == (version, kind.tag_of(version))
    assert there.denials


async def until_lifted(world: Running) -> None:
    """Wait until the pin is gone, and image automation may write."""

    async def lifted() -> bool:
        there = await production(world)
        return not there.pin and there.marker.startswith('{"$imagepolicy"')

    await until(lifted, "the pin is lifted")


async def came_again(world: Running, folder: Path) -> int:
    """How often a denied digest or tag came back into Git."""
    return repromotions_of_denied(await Witness(world.facts, world.session, folder).history())
