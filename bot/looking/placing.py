"""What registries say of a release's images: which digests their tags name, and whether they may be taken back."""

from dataclasses import dataclass, replace

from bot.looking.images import Images
from bot.observing import TagSeen
from bot.releases import Image, Release
from config.policy import EnvironmentPolicy

IRREVERSIBLE = "dev.sluice.irreversible"
"""Label or annotation of an image: why a release with it is not taken back without a person. Empty, `false`, `no` or
`0` say that it may be."""
NEGATIVE = frozenset({"", "false", "no", "0"})


@dataclass(slots=True)
class Placing:
    """Reads the registries of one environment after another."""

    images: Images

    async def placed(self, environment: EnvironmentPolicy, release: Release) -> tuple[TagSeen, ...]:
        """Each image under its name and tag in the environment, and the digest that the tag names there now."""
        wanted = [there(environment, release, image) for image in sorted(release.images)]
        return tuple([TagSeen(image=image, digest=await self._digest(image)) for image in wanted])

    async def irreversible(self, environment: EnvironmentPolicy, release: Release) -> tuple[str, ...]:
        """What the images' marks say, a sentence each, none for images that may be taken back.

        Read where the environment keeps the images: there they must be, whatever was cleaned up where they were built.
        """
        found: list[str] = []
        for image in sorted(release.images):
            labels = await self.images.labels_of(there(environment, release, image))
            said = labels.get(IRREVERSIBLE, "").strip()
            if said.lower() not in NEGATIVE:
                found.append(f"{image.name} is marked {IRREVERSIBLE}: {said}")
        return tuple(found)

    async def _digest(self, image: Image) -> str | None:
        return await self.images.digest(image.name, image.tag) if image.tag else None


def there(environment: EnvironmentPolicy, release: Release, image: Image) -> Image:
    """The image as the environment keeps it: by its own registry's name, and the tag made from the version."""
    tag = environment.tag(release.version) if release.version else image.tag
    return replace(image, name=environment.image_name(image.name), tag=tag)
