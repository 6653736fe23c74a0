"""What Git says: the release an environment declares at a revision, and the images that stand at its positions."""

from dataclasses import dataclass, field

from bot.clients.git import GitMirror
from bot.clients.git.commits import EFFECT_TRAILER
from bot.errors import PermanentError, StaleError
from bot.keys import EnvironmentKey
from bot.looking.images import Images
from bot.positions import Found, parse_install_file, parse_release_file, read_images
from bot.releases import Image, Release
from bot.tenants import Tenant
from config.policy import INSTALL_FILE, POLICY_FILE, TEAM_FILES, EnvironmentPolicy, Policy

Standing = dict[str, list[Found]]
"""What stands at the positions, by the name of the image as it is built."""
MISSING = Found(name="", tag="", digest="", line=0)
"""A position whose file is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An environment at one revision. declared: None when nothing is declared. agrees: positions and file are one."""

    declared: Release | None
    tags: tuple[str, ...]
    agrees: bool


@dataclass(slots=True)
class GitTruth:
    """Reads a tenant's mirror; what belongs to a revision never changes and is remembered."""

    tenant: Tenant
    mirror: GitMirror
    images: Images
    _written: dict[tuple[str, str, str], Written] = field(default_factory=dict)

    async def head(self) -> str:
        """The commit of the default branch, 40 hex digits; PermanentError when there is no such branch."""
        found = await self.mirror.head(self.tenant.branch)
        if found is None:
            raise PermanentError(
                f"{self.tenant.config_project} has no branch {self.tenant.branch}: nothing can be read. "
                "Push one, or mend the tenant's branch in the settings."
            )
        return found

    async def text(self, revision: str, path: str) -> str | None:
        """A file at a revision as text, None when there is none."""
        body = await self.mirror.read(revision, path)
        return None if body is None else body.decode("utf-8", errors="strict")

    async def exists(self, revision: str, path: str) -> bool:
        """Whether a revision holds a file."""
        return await self.mirror.read(revision, path) is not None

    async def policy(self, revision: str) -> Policy:
        """The policy at a revision; PolicyFault or PermanentError when there is none that can be used."""
        text = await self.text(revision, POLICY_FILE)
        if text is None:
            raise PermanentError(
                f"{self.tenant.config_project} has no {POLICY_FILE} at {revision[:8]}: nothing is governed. "
                "Add one; docs/policy.md is the reference."
            )
        names = [name for name in await self.mirror.list(revision, TEAM_FILES) if name.endswith((".yaml", ".yml"))]
        extra = {name: await self.text(revision, name) or "" for name in sorted(names)}
        return Policy.parse(text, file=POLICY_FILE, extra=extra)

    async def install(self, revision: str) -> str:
        """The installation that `.sluice/install` names at a revision, empty when there is no such file."""
        text = await self.text(revision, INSTALL_FILE)
        return "" if text is None else parse_install_file(text)

    async def knows(self, revision: str) -> bool:
        """Whether the mirror holds a commit; one fetch is tried when it does not."""
        if await self.has(revision):
            return True
        await self.mirror.fetch()
        return await self.has(revision)

    async def has(self, revision: str) -> bool:
        """Whether the mirror holds a commit as it is now."""
        try:
            await self.mirror.resolve(revision)
        except StaleError:
            return False
        return True

    async def is_ours(self, revision: str) -> bool:
        """Whether a commit carries the trailer by which ours are known (design section 8)."""
        return bool((await self.mirror.commit(revision)).trailer(EFFECT_TRAILER))

    async def proposed(self, revision: str, key: EnvironmentKey) -> Release | None:
        """The release that the release file names at a revision."""
        text = await self.text(revision, f".sluice/releases/{key.environment}/{key.application}.yaml")
        return None if text is None else parse_release_file(text)

    async def written(self, revision: str, environment: EnvironmentPolicy, release_file: str) -> Written:
        """What a revision says of an application in an environment."""
        known = (revision, environment.application, environment.name)
        if known in self._written:
            return self._written[known]
        found = await self._read_positions(revision, environment)
        if environment.delivery == "observe":
            # A tag may move under the same revision, so this is not remembered.
            return await self._from_positions(environment, found)
        written = self._from_file(environment, found, await self.text(revision, release_file), release_file)
        self._written[known] = written
        return written

    async def _read_positions(self, revision: str, environment: EnvironmentPolicy) -> Standing:
        """What stands at each position, by the image (as built) it is for."""
        found: Standing = {name: [] for name in environment.images}
        for position in environment.positions:
            text = await self.text(revision, position.file)
            found[position.of] += read_images(text, position) if text is not None else [MISSING]
        return found

    async def _from_positions(self, environment: EnvironmentPolicy, found: Standing) -> Written:
        """Where the build's own tags are followed, the positions are the declaration; they must not contradict."""
        images: list[Image] = []
        for name, standing in found.items():
            only = set(standing)
            digest = await self._digest(environment.image_name(name), standing[0]) if _alike(only) else None
            if digest:
                images.append(Image(name=name, digest=digest, tag=standing[0].tag))
        whole = bool(images) and len(images) == len(found)
        release = await self.images.release(environment, tuple(images)) if whole else None
        return Written(declared=release, tags=_tags(found), agrees=True)

    async def _digest(self, name: str, standing: Found) -> str | None:
        return standing.digest or await self.images.digest(name, standing.tag)

    def _from_file(self, environment: EnvironmentPolicy, found: Standing, text: str | None, file: str) -> Written:
        """Where merge requests write, the release file is the declaration and the positions must say the same."""
        release = None if text is None else parse_release_file(text, file=file)
        return Written(
            declared=release,
            tags=_tags(found),
            agrees=release is None or all(_says(environment, image, found) for image in release.images),
        )


def _alike(standing: set[Found]) -> bool:
    """The same image everywhere, whatever line it stands on."""
    return len({(found.tag, found.digest) for found in standing}) == 1


def _says(environment: EnvironmentPolicy, image: Image, found: Standing) -> bool:
    standing = found.get(image.name, [])
    return bool(standing) and all(
        one.digest == image.digest if one.digest else one.tag == image.tag for one in standing
    )


def _tags(found: Standing) -> tuple[str, ...]:
    return tuple(sorted({one.tag or one.digest for standing in found.values() for one in standing}))
