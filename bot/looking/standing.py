"""What stands at the positions of an environment at one revision: its images, and who writes them."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.observing import Marking
from bot.positions import Found, joined, marking, policies, read_images
from bot.releases import Image, Release
from config.policy import EnvironmentPolicy

MISSING = Found(name="", tag="", digest="", line=0)
"""A position whose file is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """images: what stands, by the name of the image as it is built. policies: `namespace:name`, by the same name."""

    images: Mapping[str, tuple[Found, ...]]
    marking: Marking
    policies: Mapping[str, str]

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag that stands, or the digest where there is none; sorted."""
        return tuple(sorted({one.tag or one.digest for found in self.images.values() for one in found}))

    @property
    def alike(self) -> Mapping[str, Found]:
        """The images that are the same wherever they stand, whatever line that is."""
        return {name: found[0] for name, found in self.images.items() if len(_said(found)) == 1}

    def says(self, release: Release) -> bool:
        """Whether every image of a release stands wherever it should."""
        return all(self._says(image) for image in release.images)

    def _says(self, image: Image) -> bool:
        found = self.images.get(image.name, ())
        return bool(found) and all(one.digest == image.digest if one.digest else one.tag == image.tag for one in found)


def standing(environment: EnvironmentPolicy, texts: Mapping[str, str | None]) -> Standing:
    """What the files of the positions say; `texts` is by path. ConfigurationFault with file:line."""
    images: dict[str, tuple[Found, ...]] = dict.fromkeys(environment.images, ())
    marked: list[Marking] = []
    named: dict[str, str] = {}
    for position in environment.positions:
        text = texts[position.file]
        images[position.of] += (MISSING,) if text is None else read_images(text, position)
        if text is not None:
            marked.append(marking(text, position))
            for policy in policies(text, position):
                named.setdefault(position.of, policy)
    return Standing(images=images, marking=joined(tuple(marked)), policies=named)


def _said(found: tuple[Found, ...]) -> set[tuple[str, str]]:
    return {(one.tag, one.digest) for one in found}
