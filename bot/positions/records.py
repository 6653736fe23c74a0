"""The bot's own files under `.sluice/`: the release meant to run in an environment, and the installation's identity.

Equal content gives equal text, and what is written reads back equal.
"""

from bot.positions.fields import images_in, images_text, record, text_in
from bot.positions.scalars import quoted
from bot.releases import Release

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
        *images_text(release.images),
    ]
    return "".join(lines)


def parse_release_file(text: str, *, file: str = "release file") -> Release:
    """The release that `release_file` wrote; PermanentError when the text says something else."""
    data = record(text, file, "a release")
    return Release(
        application=text_in(data, "application", file),
        version=text_in(data, "version", file),
        commit=text_in(data, "commit", file),
        images=images_in(data, file),
    )


def place_of(text: str, *, file: str) -> tuple[str, str]:
    """The application and environment that a release file, a pin or a denial file is written for."""
    data = record(text, file, "an application in an environment")
    return text_in(data, "application", file), text_in(data, "environment", file)


def install_file(installation: str) -> str:
    """The text of `.sluice/install`: the id of the installation that acts on this repository."""
    return f"{INSTALL_HEADER}installation: {quoted(installation)}\n"


def parse_install_file(text: str, *, file: str = ".sluice/install") -> str:
    """The installation's id; PermanentError when the text says something else."""
    return text_in(record(text, file, "an installation"), "installation", file)
