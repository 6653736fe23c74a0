"""The bot's own files under `.sluice/`: the release meant to run in an environment, and the installation's identity.

Equal content gives equal text, and what is written reads back equal.
"""

from collections.abc import Mapping

from bot.errors import PermanentError
from bot.positions.scalars import quoted
from bot.releases import Image, Release
from config.yaml_text import documents
from config.yaml_values import Plain, plain

HEADER = "# Written by Sluice. Every promotion changes this file; approving the merge request approves what it says.\n"
INSTALL_HEADER = "# Written by Sluice: which installation governs this repository. See `sluice adopt`.\n"


def release_file(release: Release, environment: str) -> str:
    """The text of `.sluice/releases/<environment>/<application>.yaml`; images in order of their names."""
    lines = [
        HEADER,
        f"application: {quoted(release.application)}\n",
        f"environment: {quoted(environment)}\n",
        f"version: {quoted(release.version)}\n",
        f"commit: {quoted(release.commit)}\n",
        "images:\n" if release.images else "images: []\n",
    ]
    for image in sorted(release.images):
        lines.append(f"  - name: {quoted(image.name)}\n")
        lines.append(f"    digest: {quoted(image.digest)}\n")
        lines.append(f"    tag: {quoted(image.tag)}\n")
    return "".join(lines)


def parse_release_file(text: str, *, file: str = "release file") -> Release:
    """The release that `release_file` wrote; PermanentError when the text says something else."""
    data = _record(text, file, "a release")
    images = data.get("images")
    if not isinstance(images, list):
        raise _unreadable(file, "images", "a list of images")
    return Release(
        application=_text(data, "application", file),
        version=_text(data, "version", file),
        commit=_text(data, "commit", file),
        images=tuple(sorted(_image(item, file) for item in images)),
    )


def environment_of_release_file(text: str, *, file: str = "release file") -> str:
    """The environment that a release file is written for."""
    return _text(_record(text, file, "a release"), "environment", file)


def install_file(installation: str) -> str:
    """The text of `.sluice/install`: the id of the installation that acts on this repository."""
    return f"{INSTALL_HEADER}installation: {quoted(installation)}\n"


def parse_install_file(text: str, *, file: str = ".sluice/install") -> str:
    """The installation's id; PermanentError when the text says something else."""
    return _text(_record(text, file, "an installation"), "installation", file)


def _image(item: Plain, file: str) -> Image:
    if not isinstance(item, dict):
        raise _unreadable(file, "images", "name, digest and tag for each image")
    return Image(name=_text(item, "name", file), digest=_text(item, "digest", file), tag=_text(item, "tag", file))


def _record(text: str, file: str, what: str) -> Mapping[str, Plain]:
    roots = documents(text, file=file)
    data = plain(roots[0], file=file) if len(roots) == 1 else None
    if not isinstance(data, dict):
        raise _unreadable(file, "its content", f"one mapping that describes {what}")
    return data


def _text(data: Mapping[str, Plain], key: str, file: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise _unreadable(file, key, "a text in quotes")
    return value


def _unreadable(file: str, what: str, expected: str) -> PermanentError:
    return PermanentError(
        f"{file} cannot be read: {what} is not {expected}. "
        "Sluice writes this file; restore it from the Git history, or promote again."
    )
