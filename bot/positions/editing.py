"""Images are read from a position and placed there; only the scalars of the position change."""

from bot.positions.locating import locate
from bot.positions.references import checked, join, split
from bot.positions.scalars import written
from bot.positions.slots import Found, Part, Slot, Standing, fault
from bot.releases import Image
from config.position import Position

OCI = "oci://"


def read_images(text: str, position: Position) -> tuple[Found, ...]:
    """What stands at the position: one image, or one for every marked line. ConfigurationFault with file:line."""
    return tuple(_found(standing) for standing in locate(text, position))


def place(text: str, position: Position, image: Image) -> str:
    """`text` with the image at the position: every part that is written there, and nothing else, changes.

    A tag is written where a tag stands, a digest where a digest stands. ConfigurationFault with file:line when the
    position cannot be found or edited, or when the image has no tag and one is needed; PermanentError for an
    impossible image.
    """
    wanted = checked(image)
    edits: list[tuple[int, int, str]] = []
    for standing in locate(text, position):
        _check_name(standing, wanted, position)
        for slot in standing.slots:
            value = _value(slot, wanted, position)
            if value != slot.scalar.text:
                edits.append((slot.scalar.start, slot.scalar.end, written(value, slot.scalar.style)))
    for start, end, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _check_name(standing: Standing, image: Image, position: Position) -> None:
    if standing.names_itself and standing.name != image.name:
        raise fault(
            position.file, standing.slots[0].scalar,
            what=f"the entry {standing.name} has no newName", why=f"the release's image is {image.name}",
            do=f"Add newName: {image.name} to the entry.",
        )  # fmt: skip


def _value(slot: Slot, image: Image, position: Position) -> str:
    registry, _, repository = image.name.partition("/")
    current = split(slot.scalar.text)
    values: dict[Part, str] = {
        "tag": image.tag,
        "digest": image.digest,
        "name": image.name,
        "registry": registry,
        "repository": repository,
        "url": OCI + image.name,
        "image": join(image.name, image.tag, image.digest if current[2] or not image.tag else ""),
    }
    if slot.part == "image" and current[2] and not current[1]:
        return join(image.name, "", image.digest)
    if not values[slot.part]:
        raise fault(
            position.file, slot.scalar, what=f"{image.name} has no {slot.part} to write here",
            why="the release knows it by digest alone", do="Tag it in the registry, or keep only the digest here.",
        )  # fmt: skip
    return values[slot.part]


def _found(standing: Standing) -> Found:
    parts: dict[Part, str] = {slot.part: slot.scalar.text for slot in standing.slots}
    name, tag, digest = split(parts.get("image", ""))
    if "repository" in parts:
        name = f"{parts['registry']}/{parts['repository']}"
    if "url" in parts:
        name = parts["url"].removeprefix(OCI)
    return Found(
        name=parts.get("name", name) or standing.name,
        tag=parts.get("tag", tag),
        digest=parts.get("digest", digest),
        line=min(slot.scalar.line for slot in standing.slots),
    )
