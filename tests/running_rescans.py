"""Every kind of image policy that production may have, and image automation's looks beside a running bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from running import Outside, Running, until
from running_promotions import until_quiet, writes_of_bot
from running_rollbacks import APPLICATION, CANARY, file, record, rewrite, serving

from bot.app import App
from bot.sandbox.cluster.kinds import CANARY as CANARY_KIND
from bot.sandbox.cluster.kinds import IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION
from bot.sandbox.cluster.objects import Change
from bot.sandbox.documents import Document
from bot.sandbox.registry import Registry

REPOSITORY = "demo/demo-service"
POLICY = f"{APPLICATION}-production"
IMAGES = "clusters/demo/images.yaml"
POSITION = f"apps/{APPLICATION}/production/kustomization.yaml"
CHUNK = 100
"""Looks between two commits of a person: each commit makes image automation check out and write anew."""

BY_VERSION = """\
  filterTags:
    pattern: '^(?P<version>[0-9]+\\.[0-9]+\\.[0-9]+)-prod$'
    extract: $version
  policy:
    semver:
      range: ">=1.0.0"
"""
"""How the sandbox's world chooses production's tag."""
BY_PREFIX = BY_VERSION.replace("^(?P", "^prod-(?P").replace("-prod$", "$")
BY_NUMBER = """\
  filterTags:
    pattern: '^(?P<major>[0-9]+)\\.(?P<minor>[0-9]+)\\.(?P<patch>[0-9]+)-prod$'
    extract: $major$minor$patch
  policy:
    numerical:
      order: asc
"""
BY_ALPHABET = """\
  filterTags:
    pattern: '^(?P<version>.+)-prod$'
    extract: $version
  policy:
    alphabetical:
      order: asc
"""
WITH_PRERELEASES = """\
  policy:
    semver:
      range: ">=1.0.0-0"
"""
BY_PLAIN_VERSION = """\
  policy:
    semver:
      range: ">=1.0.0"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How production's image is chosen. tag: the environment's template.

    repository: production's own, which gets every image the build pushes, untagged; empty: the build's.
    digest: whether the position carries the digest, too.
    """

    choice: str = BY_VERSION
    tag: str = "{version}-prod"
    repository: str = ""
    digest: bool = False

    def tag_of(self, version: str) -> str:
        """A version's tag in production."""
        return self.tag.replace("{version}", version)

    @property
    def place(self) -> str:
        """The repository that production's image policy looks at."""
        return self.repository or REPOSITORY


async def chosen_by(world: Running, kind: Kind) -> None:
    """Make this kind production's in one commit, and wait until 1.0.0 runs there under its tag."""
    registry, tag = world.sandbox.registry, kind.tag_of("1.0.0")
    digest = registry.digest_of(REPOSITORY, "1.0.0")
    assert digest is not None
    if kind.repository:
        holds_the_same(registry, kind.repository)
    registry.tag(kind.place, tag, digest)
    changes = {
        IMAGES: [(BY_VERSION, kind.choice), *_own_repository(registry, kind)],
        ".sluice/policy.yaml": [('    tag: "{version}-prod"\n', _template(kind))],
        POSITION: _position(registry, kind, digest),
        record("releases"): [("1.0.0-prod", tag)],
    }
    await commit(world, {path: edits for path, edits in changes.items() if any(old != new for old, new in edits)})

    async def settled() -> bool:
        phase = world.sandbox.cluster.objects.get(CANARY_KIND, CANARY["namespace"], CANARY["name"])["status"]["phase"]
        there = [f"{registry.host}/{kind.place}:{tag}" + (f"@{digest}" if kind.digest else "")]
        chosen = chooses(world, kind.choice) and selection(world) == Selected(tag=tag, digest=digest)
        return chosen and serving(world) == there and phase in ("Initialized", "Succeeded")

    await until(settled, f"1.0.0 runs in production as {kind.place}:{tag}")


def holds_the_same(registry: Registry, repository: str) -> None:
    """A repository that is given every image the build pushes, from now on too, and none of its tags."""
    storage = registry._storage
    source, target = storage.repository(REPOSITORY), storage.ensure_repository(repository)
    target.blobs, target.manifests = source.blobs, source.manifests


def _own_repository(registry: Registry, kind: Kind) -> list[tuple[str, str]]:
    if not kind.repository:
        return []
    start = "# Production takes only what was released for it"
    another = f"""\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: {POLICY}
spec:
  image: {registry.host}/{kind.repository}
  interval: 1s
  insecure: true
  secretRef:
    name: registry
---
{start}"""
    named = f"  name: {POLICY}\nspec:\n  imageRepositoryRef:\n    name: "
    return [(start, another), (f"{named}{APPLICATION}\n", f"{named}{POLICY}\n")]


def _template(kind: Kind) -> str:
    own = f'    registry: "{{registry}}/{kind.repository.removesuffix(REPOSITORY)}{{repository}}"\n'
    return f'    tag: "{kind.tag}"\n' + (own if kind.repository else "")


def _position(registry: Registry, kind: Kind, digest: str) -> list[tuple[str, str]]:
    marker = f'# {{"$imagepolicy": "flux-system:{POLICY}:'
    before, after = f'1.0.0-prod {marker}tag"}}', f'{kind.tag_of("1.0.0")} {marker}tag"}}'
    if kind.digest:
        after = f'{after}\n    digest: {digest} {marker}digest"}}'
    return [(before, after), (f"{registry.host}/{REPOSITORY}", f"{registry.host}/{kind.place}")]


async def commit(world: Outside, changes: dict[str, list[tuple[str, str]]]) -> None:
    """Change files of the default branch as the maintainer in one commit; each old text must be there."""
    actions = []
    for path, edits in changes.items():
        text = await file(world, path) or ""
        for old, new in edits:
            assert old in text, f"{path} does not say {old!r}"
            text = text.replace(old, new)
        actions.append({"action": "update", "file_path": path, "content": text})
    if not actions:
        return
    commits = f"projects/{world.config}/repository/commits"
    body: dict[str, Any] = {"branch": "main", "commit_message": "Choose production's image", "actions": actions}
    await world.gitlab(commits, "maintainer_token", "POST", **body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What an image policy selects."""

    tag: str
    digest: str


def selection(world: Running) -> Selected:
    """What production's image policy selects now."""
    latest = image_policy(world)["status"]["latestRef"]
    return Selected(tag=latest["tag"], digest=latest["digest"])


def chooses(world: Running, choice: str) -> bool:
    """Whether production's image policy has chosen in this way."""
    found = image_policy(world)
    wanted = YAML(typ="safe").load(choice)
    says = {key: found["spec"].get(key) for key in ("filterTags", "policy")} == {"filterTags": None, **wanted}
    return says and found["status"].get("observedGeneration") == found["metadata"]["generation"]


def image_policy(world: Running) -> Document:
    """Production's image policy as the cluster has it."""
    return world.sandbox.cluster.objects.get(IMAGE_POLICY, "flux-system", POLICY)


def outdated(world: Running) -> list[Document]:
    """From now on: each selection that production's automation went by though its policy selected another already."""
    found: list[Document] = []

    def hear(change: Change) -> None:
        if change.kind is IMAGE_UPDATE_AUTOMATION and change.last["metadata"]["name"] == POLICY:
            went_by = change.last["status"]["observedPolicies"][POLICY]
            found.extend([went_by] if went_by != image_policy(world)["status"]["latestRef"] else [])

    world.sandbox.cluster.objects.listen(hear)
    return found


async def rescan(world: Running, times: int) -> None:
    """Whole looks of image automation (scan, select, write); a person commits before each chunk of them."""
    for done in range(0, times, CHUNK):
        await touch(world)
        await world.control("registry/rescan", times=min(CHUNK, times - done))


async def touch(world: Outside) -> None:
    """A commit that has nothing to do with releases: image automation does not know the new head."""
    await rewrite(world, "README.md", "What runs where.", "What runs where. So it is.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What re-scans must leave as it is: the bot's files and the position byte for byte, every tag, who wrote."""

    files: tuple[str | None, ...]
    tags: dict[str, str]
    pushes: int
    writes: tuple[str, ...]


async def kept(world: Running, kind: Kind) -> Kept:
    """The present state, once the bot has said all it has to say."""
    await until_quiet(world, seconds=5.0)
    paths = (record("releases"), record("pins"), record("denials"), POSITION)
    return Kept(
        files=tuple([await file(world, path) for path in paths]),
        tags=world.sandbox.registry.tags(kind.place),
        pushes=world.sandbox.cluster.automations.pushes,
        writes=tuple(f"{one.method} {one.raw_path}" for one in writes_of_bot(world)),
    )


@asynccontextmanager
async def restarted(world: Running) -> AsyncIterator[Running]:
    """The bot stops and another begins with its journal; the sandbox goes on."""
    await world.app.stop()
    app = await App.start(world.app.settings)
    try:
        await world.sandbox.set_bot_url(app.url)
        yield Running(world.sandbox, world.session, app)
    finally:
        await app.stop()
