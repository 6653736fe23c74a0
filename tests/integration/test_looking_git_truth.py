"""What Git holds is read at any revision: what is declared, what stands, who writes it, and what was taken back."""

import hashlib
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from bot.clients.git import Author, GitMirror
from bot.clients.registry import RegistryClient
from bot.errors import PermanentError
from bot.keys import EnvironmentKey
from bot.looking.git_truth import EARLIER, GitTruth, Written
from bot.looking.images import Images
from bot.positions import denial_file, pin_file, pin_markers, release_file
from bot.records import Denial, Pin
from bot.releases import Image, Release
from bot.tenants import Tenant
from config.policy import Policy

POLICY = """\
version: 1
environments:
  dev: {cluster: demo, delivery: observe}
  production: {cluster: demo, after: [dev], delivery: DELIVERY, tag: "{version}-prod"}
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "apps/shop/{environment}/kustomization.yaml", image: shop}
"""
IMAGE = "registry.example/demo/shop"
KEY = EnvironmentKey("demo", "shop", "production")
RELEASE_FILE = ".sluice/releases/production/shop.yaml"
PIN_FILE = ".sluice/pins/production/shop.yaml"
DENIAL_FILE = ".sluice/denials/production/shop.yaml"
POSITION = "apps/shop/production/kustomization.yaml"
WHEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def digest(version: str) -> str:
    return "sha256:" + hashlib.sha256(version.encode()).hexdigest()


class Registry:
    """A registry with a tag for each version of production, save those that are missing."""

    def __init__(self) -> None:
        self.missing: set[str] = set()

    async def digest(self, repository: str, tag: str) -> str | None:
        assert repository == "demo/shop"
        return None if tag in self.missing else digest(tag.removesuffix("-prod"))

    async def labels(self, repository: str, digest: str) -> Mapping[str, str]:
        assert repository == "demo/shop"
        return {"org.opencontainers.image.revision": "c" * 40}


class Config:
    """A config repository as people, Sluice and image automation write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._git("init", "-q", "-b", "main")

    def commit(self, files: Mapping[str, str]) -> str:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "change")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "developer", "GIT_AUTHOR_EMAIL": "developer@example.org"}
        identity |= {"GIT_COMMITTER_NAME": "developer", "GIT_COMMITTER_EMAIL": "developer@example.org"}
        env = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=env, capture_output=True, check=True)
        return done.stdout.decode().strip()


class World:
    """A config repository and what is read of it."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(folder / "config")
        self.registry = Registry()
        self.mirror = GitMirror(
            folder / "mirror.git", str(self.config.folder), lambda: "", Author(name="Sluice", email="s@example.org")
        )
        self.truth = GitTruth(
            tenant=Tenant(name="demo", config_project="demo/config", branch="main", projects=("demo/*",)),
            mirror=self.mirror,
            images=Images(registries={"registry.example": cast("RegistryClient", self.registry)}),
        )

    async def after(self, files: Mapping[str, str], delivery: str = "image_automation") -> Written:
        revision = self.config.commit(files)
        await self.mirror.fetch()
        return await self.at(revision, delivery)

    async def at(self, revision: str, delivery: str = "image_automation") -> Written:
        policy = Policy.parse(POLICY.replace("DELIVERY", delivery)).environment("shop", "production")
        return await self.truth.written(revision, policy, RELEASE_FILE)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.mirror.close()


def release(version: str) -> Release:
    image = Image(name=IMAGE, digest=digest(version), tag=f"{version}-prod")
    return Release(application="shop", version=version, commit="c" * 40, images=(image,))


def declared(version: str) -> dict[str, str]:
    return {RELEASE_FILE: release_file(release(version), "production")}


def stands(version: str, owner: str = "imagepolicy") -> dict[str, str]:
    marker = f'# {{"${owner}": "flux-system:shop:tag"}}'
    return {POSITION: f"images:\n- name: shop\n  newName: {IMAGE}\n  newTag: {version}-prod {marker}\n"}


def taken_back(bad: str, good: str) -> dict[str, str]:
    pin = Pin(
        release=release(good),
        instead_of=release(bad),
        failure="measured",
        since=WHEN,
        because="the canary failed",
        by="sluice",
    )
    return {
        **declared(good),
        **stands(good, "sluice-pinned"),
        PIN_FILE: pin_file(pin, "production"),
        DENIAL_FILE: denial_file("shop", "production", [denial(bad)]),
    }


def denial(version: str) -> Denial:
    (image,) = release(version).images
    return Denial(image=image, version=version, since=WHEN, because="failed", incident=f"production/shop/{version}")


async def test_positions_are_resolved_to_a_release(world: World) -> None:
    written = await world.after({**declared("1.0.0"), **stands("1.0.0")})

    assert written.declared == written.standing == release("1.0.0")
    assert written.agrees
    assert (written.marking, written.policies) == ("active", {IMAGE: "flux-system:shop"})
    assert written.tags == ("1.0.0-prod",)


async def test_release_declared_before_only_lags(world: World) -> None:
    await world.after({**declared("1.0.0"), **stands("1.0.0")})

    written = await world.after(declared("1.1.0"))

    assert (written.declared, written.standing) == (release("1.1.0"), release("1.0.0"))
    assert written.agrees


async def test_what_stood_before_the_first_release_file_only_lags(world: World) -> None:
    before = await world.after(stands("0.9.0"))

    written = await world.after(declared("1.0.0"))

    assert (before.declared, before.agrees) == (None, True)
    assert (written.standing, written.agrees) == (release("0.9.0"), True)


async def test_choice_of_somebody_else_does_not_agree(world: World) -> None:
    await world.after({**declared("1.0.0"), **stands("1.0.0")})

    written = await world.after(stands("1.2.0"))

    assert (written.declared, written.standing) == (release("1.0.0"), release("1.2.0"))
    assert not written.agrees


async def test_release_declared_long_ago_does_not_agree(world: World) -> None:
    await world.after({**declared("1.0.0"), **stands("1.0.0")})
    for minor in range(1, EARLIER + 1):
        world.config.commit(declared(f"1.{minor}.0"))

    written = await world.after({"README.md": "x\n"})

    assert written.standing == release("1.0.0")
    assert not written.agrees


async def test_tag_that_is_gone_names_no_release(world: World) -> None:
    world.registry.missing.add("1.0.0-prod")

    written = await world.after({**declared("1.1.0"), **stands("1.0.0")})

    assert (written.standing, written.agrees) == (None, True)


async def test_rollback_is_read_with_its_pin_and_denial(world: World) -> None:
    await world.after({**declared("1.0.0"), **stands("1.0.0")})
    await world.after({**declared("1.1.0"), **stands("1.1.0")})

    written = await world.after(taken_back("1.1.0", "1.0.0"))

    head = await world.truth.head()
    pin = await world.truth.pin(head, KEY)
    assert (written.declared, written.standing) == (release("1.0.0"), release("1.0.0"))
    assert (written.marking, written.policies) == ("pinned", {IMAGE: "flux-system:shop"})
    assert pin is not None
    assert (pin.release, pin.instead_of, pin.failure) == (release("1.0.0"), release("1.1.0"), "measured")
    assert await world.truth.denials(head, KEY) == (denial("1.1.0"),)


@pytest.mark.parametrize("left", [PIN_FILE, DENIAL_FILE])
async def test_release_that_was_taken_back_does_not_pass_for_lag(world: World, left: str) -> None:
    await world.after({**declared("1.0.0"), **stands("1.0.0")})
    await world.after({**declared("1.1.0"), **stands("1.1.0")})
    files = taken_back("1.1.0", "1.0.0")

    written = await world.after({**declared("1.0.0"), left: files[left]})

    assert written.standing == release("1.1.0")
    assert not written.agrees


async def test_where_merge_requests_write_the_release_file_is_what_stands(world: World) -> None:
    files = {**declared("1.0.0"), **stands("1.0.0", "sluice")}

    written = await world.after(files, "merge_request")
    changed = await world.after(stands("1.1.0", "sluice"), "merge_request")

    assert (written.standing, written.agrees, written.marking) == (release("1.0.0"), True, "none")
    assert (changed.standing, changed.agrees) == (release("1.0.0"), False)


async def test_nothing_is_pinned_or_denied_where_no_file_says_so(world: World) -> None:
    revision = world.config.commit(declared("1.0.0"))
    await world.mirror.fetch()

    assert await world.truth.pin(revision, KEY) is None
    assert await world.truth.denials(revision, KEY) == ()


@pytest.mark.parametrize("file", [PIN_FILE, DENIAL_FILE])
async def test_unreadable_file_is_told_by_its_name(world: World, file: str) -> None:
    revision = world.config.commit({file: "nonsense: true\n"})
    await world.mirror.fetch()

    with pytest.raises(PermanentError, match=file):
        await (world.truth.pin(revision, KEY) if file == PIN_FILE else world.truth.denials(revision, KEY))


def test_pinned_marker_is_what_the_rollback_writes() -> None:
    policy = Policy.parse(POLICY.replace("DELIVERY", "image_automation")).environment("shop", "production")

    assert pin_markers(stands("1.0.0")[POSITION], policy.positions[0]) == stands("1.0.0", "sluice-pinned")[POSITION]
