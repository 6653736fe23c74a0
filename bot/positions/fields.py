"""The fields of the bot's own files are written alike, and read back or refused with the file's name."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from bot.errors import PermanentError
from bot.positions.scalars import quoted
from bot.releases import Image
from config.yaml_text import documents
from config.yaml_values import Plain, plain

Record = Mapping[str, Plain]


def images_text(images: Iterable[Image], indent: str = "") -> Iterator[str]:
    """The lines of `images:`, in order of their names."""
    ordered = sorted(images)
    yield f"{indent}images:\n" if ordered else f"{indent}images: []\n"
    for image in ordered:
        yield f"{indent}  - name: {quoted(image.name)}\n"
        yield f"{indent}    digest: {quoted(image.digest)}\n"
        yield f"{indent}    tag: {quoted(image.tag)}\n"


def moment_text(moment: datetime) -> str:
    """A moment in UTC, quoted, so that no reader takes it for a date of its own."""
    return quoted(moment.astimezone(UTC).isoformat())


def record(text: str, file: str, what: str) -> Record:
    """The one mapping that a file holds; PermanentError when the text says something else."""
    roots = documents(text, file=file)
    data = plain(roots[0], file=file) if len(roots) == 1 else None
    if not isinstance(data, dict):
        raise unreadable(file, "its content", f"one mapping that describes {what}")
    return data


def text_in(data: Record, key: str, file: str) -> str:
    """The text of a field."""
    value = data.get(key)
    if not isinstance(value, str):
        raise unreadable(file, key, "a text in quotes")
    return value


def moment_in(data: Record, key: str, file: str) -> datetime:
    """The moment that a field names, in UTC."""
    try:
        found = datetime.fromisoformat(text_in(data, key, file))
    except ValueError as error:
        raise unreadable(file, key, "a moment such as 2026-11-01T12:00:00+00:00") from error
    if found.tzinfo is None:
        raise unreadable(file, key, "a moment with its time zone, such as 2026-11-01T12:00:00+00:00")
    return found.astimezone(UTC)


def mapping_in(data: Record, key: str, file: str) -> Record:
    """The mapping of a field."""
    value = data.get(key)
    if not isinstance(value, dict):
        raise unreadable(file, key, "a mapping")
    return value


def items_in(data: Record, key: str, file: str) -> tuple[Record, ...]:
    """The mappings of a list."""
    value = data.get(key)
    if not isinstance(value, list):
        raise unreadable(file, key, f"a list of {key}")
    found = tuple(item for item in value if isinstance(item, dict))
    if len(found) != len(value):
        raise unreadable(file, key, "a list of mappings: name, digest and tag for each image")
    return found


def images_in(data: Record, file: str) -> tuple[Image, ...]:
    """The images of a release, sorted."""
    return tuple(sorted(image_of(item, file) for item in items_in(data, "images", file)))


def image_of(item: Record, file: str) -> Image:
    """An image by its three fields."""
    return Image(name=text_in(item, "name", file), digest=text_in(item, "digest", file), tag=text_in(item, "tag", file))


def unreadable(file: str, what: str, expected: str) -> PermanentError:
    """The fault of a file of ours that somebody else changed."""
    return PermanentError(
        f"{file} cannot be read: {what} is not {expected}. "
        "Sluice writes this file; restore it from the Git history, or promote again."
    )
