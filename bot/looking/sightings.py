"""Which releases there are to see: what the first environments run, or what their registry offers."""

from dataclasses import dataclass

from bot.keys import ApplicationKey
from bot.looking.cluster_truth import ClusterTruth
from bot.looking.git_truth import GitTruth
from bot.looking.images import Images
from bot.releases import Image, Release, compare_versions
from config.policy import EnvironmentPolicy, Policy

OFFERED = 5
"""How many of a registry's newest versions are looked at; older ones were seen before, or never will matter."""


@dataclass(slots=True)
class Sightings:
    """Reads the environments that come after no other."""

    images: Images
    clusters: ClusterTruth

    async def read(self, key: ApplicationKey, git: GitTruth, head: str, policy: Policy) -> tuple[Release, ...]:
        """Every release to be seen now, each once, in no particular order."""
        found: dict[str, Release] = {}
        for name in policy.sources_of(key.application):
            environment = policy.environment(key.application, name)
            file = policy.release_file(key.application, name)
            for release in await self._seen(git, head, environment, file):
                found[release.id] = release
            if environment.delivery != "observe":
                for release in await self._offered(environment):
                    found.setdefault(release.id, release)
        return tuple(found.values())

    async def _seen(self, git: GitTruth, head: str, environment: EnvironmentPolicy, file: str) -> list[Release]:
        """What Git declares there, and what its clusters run."""
        declared = (await git.written(head, environment, file)).declared
        running = [seen.release for seen in await self.clusters.seen(git, environment, file)]
        return [release for release in (declared, *running) if release is not None]

    async def _offered(self, environment: EnvironmentPolicy) -> list[Release]:
        """The newest versions for which the registry has every image of the application."""
        offers = [await self._versions(environment, name) for name in environment.images]
        common = set[str].intersection(*offers) if offers else set[str]()
        releases = [await self._release(environment, version) for version in newest(common)]
        return [release for release in releases if release is not None]

    async def _versions(self, environment: EnvironmentPolicy, name: str) -> set[str]:
        tags = await self.images.tags(environment.image_name(name))
        return {version for tag in tags if (version := environment.version_of(tag)) is not None}

    async def _release(self, environment: EnvironmentPolicy, version: str) -> Release | None:
        images: list[Image] = []
        for name in environment.images:
            tag = environment.tag(version)
            digest = await self.images.digest(environment.image_name(name), tag)
            if digest is None:
                return None
            images.append(Image(name=name, digest=digest, tag=tag))
        return await self.images.release(environment, tuple(images))


def newest(versions: set[str]) -> list[str]:
    """The newest few by semantic version; what is none is left out."""
    semantic = [version for version in versions if compare_versions(version, "0.0.0-0") == "newer"]
    ordered: list[str] = []
    for version in semantic:
        place = sum(compare_versions(other, version) == "newer" for other in ordered)
        ordered.insert(place, version)
    return ordered[:OFFERED]
