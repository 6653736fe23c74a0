"""`.sluice/pins/<environment>/<application>.yaml`: where an environment stays after a rollback, and what lifts that.

Equal pins give equal text, and what is written reads back equal. A missing file means that nothing is pinned.
"""

from collections.abc import Iterator
from typing import get_args

from bot.positions.fields import (
    Record,
    images_in,
    images_text,
    mapping_in,
    moment_in,
    moment_text,
    record,
    text_in,
    unreadable,
)
from bot.positions.scalars import quoted
from bot.records import FailureKind, Pin
from bot.releases import Release

HEADER = (
    "# Written by Sluice: a release was taken back, and this environment stays at the one below.\n"
    "# A newer release that passed the environments before lifts this, or `sluice allow` for the one taken back.\n"
)
KINDS: dict[str, FailureKind] = {kind: kind for kind in get_args(FailureKind)}


def pin_file(pin: Pin, environment: str) -> str:
    """The text of the pin; `pin.release` and `pin.instead_of` are releases of one application."""
    lines = [
        HEADER,
        f"application: {quoted(pin.release.application)}\n",
        f"environment: {quoted(environment)}\n",
        f"since: {moment_text(pin.since)}\n",
        f"by: {quoted(pin.by)}\n",
        f"failure: {quoted(pin.failure)}\n",
        f"because: {quoted(pin.because)}\n",
        *_release_text("release", pin.release),
        *_release_text("instead_of", pin.instead_of),
    ]
    return "".join(lines)


def parse_pin_file(text: str, *, file: str = "pin file") -> Pin:
    """The pin that `pin_file` wrote; PermanentError when the text says something else."""
    data = record(text, file, "a pin")
    application, failure = text_in(data, "application", file), text_in(data, "failure", file)
    if failure not in KINDS:
        raise unreadable(file, "failure", f"one of {', '.join(KINDS)}")
    return Pin(
        release=_release(data, "release", application, file),
        instead_of=_release(data, "instead_of", application, file),
        failure=KINDS[failure],
        since=moment_in(data, "since", file),
        because=text_in(data, "because", file),
        by=text_in(data, "by", file),
    )


def _release_text(key: str, release: Release) -> Iterator[str]:
    yield f"{key}:\n"
    yield f"  version: {quoted(release.version)}\n"
    yield f"  commit: {quoted(release.commit)}\n"
    yield from images_text(release.images, indent="  ")


def _release(data: Record, key: str, application: str, file: str) -> Release:
    inner = mapping_in(data, key, file)
    return Release(
        application=application,
        version=text_in(inner, "version", file),
        commit=text_in(inner, "commit", file),
        images=images_in(inner, file),
    )
