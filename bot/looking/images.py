"""Which release an image is: its digest by its tag, and by its labels the version and commit it was built from."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.clients.registry import RegistryClient
from bot.errors import PermanentError
from bot.releases import Image, Release
from config.policy import EnvironmentPolicy

REVISION = "org.opencontainers.image.revision"
VERSION = "org.opencontainers.image.version"
"""Pre-defined annotation keys of the OCI image specification 1.1."""


@dataclass(slots=True)
class Images:
    """Reads registries by the host in an image's name; the clients remember what belongs to a digest."""

    registries: Mapping[str, RegistryClient]
    known: dict[tuple[str, str], str | None] | None = None
    """What tags named in the look under way; None: every question is asked anew."""

    def for_one_look(self) -> "Images":
        """The same registries, each tag asked for at most once: rules of one run see one registry."""
        return Images(self.registries, {})

    def registry(self, name: str) -> tuple[RegistryClient, str]:
        """The client and repository of an image name; PermanentError when the registry is not configured."""
        host, _, repository = name.partition("/")
        registry = self.registries.get(host)
        if registry is None:
            raise PermanentError(
                f"cannot read {name}: no registry {host} is configured. Add it under registries in the settings."
            )
        return registry, repository

    async def digest(self, name: str, tag: str) -> str | None:
        """The digest of the index a tag names now, None when there is no such tag."""
        if self.known is not None and (name, tag) in self.known:
            return self.known[name, tag]
        registry, repository = self.registry(name)
        found = await registry.digest(repository, tag)
        if self.known is not None:
            self.known[name, tag] = found
        return found

    async def tags(self, name: str) -> tuple[str, ...]:
        """Every tag of an image."""
        registry, repository = self.registry(name)
        return await registry.tags(repository)

    async def labels_of(self, image: Image) -> Mapping[str, str]:
        """Labels and annotations of an image."""
        registry, repository = self.registry(image.name)
        return await registry.labels(repository, image.digest)

    async def release(self, environment: EnvironmentPolicy, images: tuple[Image, ...]) -> Release:
        """The release made of these images; several must share version and commit, else both are unknown."""
        versions, commits = set[str](), set[str]()
        for image in images:
            labels = await self.labels_of(image)
            versions.add(environment.version_of(image.tag) or labels.get(VERSION, ""))
            commits.add(labels.get(REVISION, ""))
        return Release(
            application=environment.application,
            images=tuple(sorted(images)),
            version=versions.pop() if len(versions) == 1 else "",
            commit=_commit(commits),
        )


def _commit(found: set[str]) -> str:
    only = found.pop() if len(found) == 1 else ""
    return only.lower() if len(only) == 40 and all(digit in "0123456789abcdefABCDEF" for digit in only) else ""
