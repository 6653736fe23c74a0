"""What Git says: the release an environment declares at a revision, and the images that stand at its positions."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from bot.clients.git import GitMirror
from bot.clients.git.commits import EFFECT_TRAILER
from bot.errors import PermanentError, StaleError
from bot.keys import EnvironmentKey
from bot.looking.images import Images
from bot.looking.standing import Standing, standing
from bot.observing import Denial, Marking, Pin
from bot.positions import Found, parse_denial_file, parse_install_file, parse_pin_file, parse_release_file
from bot.releases import Image, Release
from bot.tenants import Tenant
from config.policy import INSTALL_FILE, POLICY_FILE, TEAM_FILES, EnvironmentPolicy, Policy

EARLIER = 20
"""How many past versions of a release file are looked at to tell lag from a choice somebody else made."""
REMEMBERED = 20_000
"""Answers kept for each question; an answer that fell out is read again from the mirror."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An environment at one revision; `declared` is None when nothing is declared.

    standing: what the positions say, None when they name no images that can be found; it is `declared` itself but for
    `delivery: image_automation`. agrees: they say what is declared, or only lag behind it.
    policies: the image policies (`namespace:name`) that the positions' markers name, by image as built.
    """

    declared: Release | None
    tags: tuple[str, ...]
    agrees: bool
    standing: Release | None = None
    marking: Marking = "none"
    policies: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class GitTruth:
    """Reads a tenant's mirror; what belongs to a revision never changes and is remembered."""

    tenant: Tenant
    mirror: GitMirror
    images: Images
    _standing: dict[tuple[str, EnvironmentPolicy], Standing] = field(default_factory=dict)
    _declared: dict[tuple[str, str], Release | None] = field(default_factory=dict)
    _earlier: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _changes: dict[tuple[str, str], str] = field(default_factory=dict)

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
        text = await self.text(revision, Policy.release_file(key.application, key.environment))
        return None if text is None else parse_release_file(text)

    async def change(self, onto: str, head: str) -> str:
        """What a head changes since it left the other, as 64 hex digits; a rebase of ours keeps it."""
        if (onto, head) in self._changes:
            return self._changes[onto, head]
        return _remember(self._changes, (onto, head), await self.mirror.change(onto, head))

    async def pin(self, revision: str, key: EnvironmentKey) -> Pin | None:
        """What keeps an environment at a release at a revision; PermanentError when the pin cannot be read."""
        file = Policy.pin_file(key.application, key.environment)
        text = await self.text(revision, file)
        return None if text is None else parse_pin_file(text, file=file)

    async def denials(self, revision: str, key: EnvironmentKey) -> tuple[Denial, ...]:
        """The digests denied in an environment at a revision, sorted; PermanentError when they cannot be read."""
        file = Policy.denial_file(key.application, key.environment)
        text = await self.text(revision, file)
        return () if text is None else parse_denial_file(text, file=file)

    async def written(self, revision: str, environment: EnvironmentPolicy, release_file: str) -> Written:
        """What a revision says of an application in an environment."""
        stands = await self._stands(revision, environment)
        if environment.delivery == "observe":
            # Where the build's own tags are followed, the positions are the declaration.
            release = await self._resolved(environment, stands)
            return _written(release, release, stands, agrees=True)
        declared = await self._declares(revision, release_file)
        if environment.delivery == "merge_request":
            # Merge requests write the positions with the release file: both must say the same.
            return _written(declared, declared, stands, agrees=declared is None or stands.says(declared))
        release = await self._resolved(environment, stands)
        agrees = await self._agrees(revision, environment, release_file, declared, release)
        return _written(declared, release, stands, agrees=agrees)

    async def _stands(self, revision: str, environment: EnvironmentPolicy) -> Standing:
        known = self._standing.get((revision, environment))
        if known is not None:
            return known
        texts = {file: await self.text(revision, file) for file in environment.position_files()}
        return _remember(self._standing, (revision, environment), standing(environment, texts))

    async def _declares(self, revision: str, file: str) -> Release | None:
        if (revision, file) in self._declared:
            return self._declared[revision, file]
        text = await self.text(revision, file)
        release = None if text is None else parse_release_file(text, file=file)
        return _remember(self._declared, (revision, file), release)

    async def _resolved(self, environment: EnvironmentPolicy, stands: Standing) -> Release | None:
        """The release that the positions name, if they do not contradict; a tag may move, so this is asked anew."""
        images: list[Image] = []
        for name, found in stands.alike.items():
            digest = await self._digest(environment.image_name(name), found)
            if digest:
                images.append(Image(name=name, digest=digest, tag=found.tag))
        whole = bool(images) and len(images) == len(stands.images)
        return await self.images.release(environment, tuple(images)) if whole else None

    async def _digest(self, name: str, found: Found) -> str | None:
        return found.digest or (await self.images.digest(name, found.tag) if found.tag else None)

    async def _agrees(
        self, revision: str, environment: EnvironmentPolicy, file: str, declared: Release | None, stands: Release | None
    ) -> bool:
        """Image automation writes after the merge: what was declared before is lag, what was taken back is not."""
        if declared is None or stands is None or stands.id == declared.id:
            return True
        key = EnvironmentKey(self.tenant.name, environment.application, environment.name)
        pin = await self.pin(revision, key)
        denied = {denial.image.digest for denial in await self.denials(revision, key)}
        if (pin is not None and pin.instead_of.id == stands.id) or denied & {image.digest for image in stands.images}:
            return False
        return stands.id in await self._before(revision, environment, file)

    async def _before(self, revision: str, environment: EnvironmentPolicy, file: str) -> tuple[str, ...]:
        """The releases declared in the file's newest versions, and what stood before its first, by identity."""
        if (revision, file) in self._earlier:
            return self._earlier[revision, file]
        found: dict[str, None] = {}
        history = await self.mirror.history(revision, limit=EARLIER, path=file)
        for commit in history:
            # A version that cannot be read says nothing; the one that counts now was read already.
            with suppress(PermanentError):
                past = await self._declares(commit.sha, file)
                found |= {past.id: None} if past is not None else {}
        if 0 < len(history) < EARLIER and history[-1].parents:
            first = await self._resolved(environment, await self._stands(history[-1].parents[0], environment))
            found |= {first.id: None} if first is not None else {}
        return _remember(self._earlier, (revision, file), tuple(found))


def _written(declared: Release | None, release: Release | None, stands: Standing, *, agrees: bool) -> Written:
    return Written(
        declared=declared,
        tags=stands.tags,
        agrees=agrees,
        standing=release,
        marking=stands.marking,
        policies=stands.policies,
    )


def _remember(memory: dict[K, V], key: K, value: V) -> V:
    """The value, kept for the next asker; the oldest answer makes room."""
    if len(memory) >= REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
