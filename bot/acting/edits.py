"""What a change of release does to the files of a config repository, on the revision it is made on."""

from collections.abc import Callable
from dataclasses import replace

from bot.acting.hands import Repository
from bot.errors import PermanentError
from bot.keys import EnvironmentKey
from bot.positions import parse_denial_file, parse_pin_file, place, read_images, release_file
from bot.records import Denial, Pin
from bot.releases import Image, Release
from config.policy import EnvironmentPolicy, Position

Files = dict[str, bytes | None]
"""Files by path: their new content, None where they go."""
Marked = Callable[[str, Position], str]
"""What becomes of a position's setter markers."""


def tagged(release: Release, environment: EnvironmentPolicy) -> Release:
    """The same release with the tags that its images carry in this environment."""
    if not release.version:
        return release
    tag = environment.tag(release.version)
    return replace(release, images=tuple(replace(image, tag=tag) for image in release.images))


def declares(release: Release, key: EnvironmentKey, hands: Repository) -> Files:
    """The release file says the release, with the tags of the environment."""
    environment = hands.policy.environment(key.application, key.environment)
    path = hands.policy.release_file(key.application, key.environment)
    return {path: release_file(tagged(release, environment), key.environment).encode()}


async def positions(
    release: Release, key: EnvironmentKey, base: str, hands: Repository, *, marked: Marked | None = None
) -> Files:
    """Every position says the release's image; `marked` changes its markers, too."""
    environment = hands.policy.environment(key.application, key.environment)
    images = {image.name: image for image in tagged(release, environment).images}
    files: dict[str, str] = {}
    for position in environment.positions:
        text = files.get(position.file) or await _text(base, position.file, release, key, hands)
        image = images.get(position.of)
        if image is None:
            raise PermanentError(
                f"cannot bring {release} to {key.environment}: it has no image {position.of}, which stands in "
                f"{position.file}. Release all images of {key.application} together, or mend the position."
            )
        text = place(text, position, replace(image, name=environment.image_name(image.name)))
        files[position.file] = marked(text, position) if marked else text
    return {path: text.encode() for path, text in files.items()}


async def _text(base: str, path: str, release: Release, key: EnvironmentKey, hands: Repository) -> str:
    text = await hands.git.text(base, path)
    if text is None:
        raise PermanentError(
            f"cannot bring {release} to {key.environment}: {path} is not in the config repository. "
            "Add it, or mend the position in policy.yaml."
        )
    return text


async def pinned_away(base: str, key: EnvironmentKey, hands: Repository) -> Files:
    """The pin goes, where one stands: for a promotion that itself writes the positions."""
    path = hands.policy.pin_file(key.application, key.environment)
    return {path: None} if await hands.git.exists(base, path) else {}


async def stands(release: Release, key: EnvironmentKey, base: str, hands: Repository) -> bool:
    """Whether every position says the release's image: by digest where one is written, else by one of its tags."""
    environment = hands.policy.environment(key.application, key.environment)
    images = [*release.images, *tagged(release, environment).images]
    for position in environment.positions:
        text = await hands.git.text(base, position.file)
        here = [image for image in images if image.name == position.of]
        if text is None or not here or not _shows(text, position, here):
            return False
    return bool(environment.positions)


def _shows(text: str, position: Position, images: list[Image]) -> bool:
    digest, tags = images[0].digest, {image.tag for image in images}
    return all(one.digest == digest if one.digest else one.tag in tags for one in read_images(text, position))


async def pin_at(base: str, key: EnvironmentKey, hands: Repository) -> Pin | None:
    """What an environment is pinned to at a revision."""
    path = hands.policy.pin_file(key.application, key.environment)
    text = await hands.git.text(base, path)
    return None if text is None else parse_pin_file(text, file=path)


async def denials_at(base: str, key: EnvironmentKey, hands: Repository) -> tuple[Denial, ...]:
    """What is denied in an environment at a revision."""
    path = hands.policy.denial_file(key.application, key.environment)
    text = await hands.git.text(base, path)
    return () if text is None else parse_denial_file(text, file=path)
