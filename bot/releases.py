"""What is promoted: a release is an application and its set of images by digest."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import semver

Order = Literal["newer", "older", "same", "incomparable"]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Image:
    """An image by name (registry host and repository), the digest of its index, and the tag it was found by."""

    name: str
    digest: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}"


def release_id(application: str, images: Iterable[Image]) -> str:
    """64 hex digits naming the set of (image, digest): tags and versions do not count (design section 3)."""
    lines = sorted(f"{image.name}@{image.digest}" for image in images)
    return hashlib.sha256("\n".join([application, *lines]).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An application's set of images; version and commit describe it and do not identify it.

    `commit` is 40 hex digits in the application's project, or empty when unknown (then no commit status is written).
    """

    application: str
    images: tuple[Image, ...]
    version: str = ""
    commit: str = ""

    @property
    def id(self) -> str:
        """The identity: see `release_id`."""
        return release_id(self.application, self.images)

    @property
    def name(self) -> str:
        """What a person calls it: its version, or the start of its identity."""
        return self.version or self.id[:12]

    def __str__(self) -> str:
        return f"{self.application} {self.name}"


def compare_versions(left: str, right: str) -> Order:
    """How `left` stands to `right` by semantic version 2.0.0; incomparable when either is none."""
    if left == right:
        return "same"
    try:
        order = semver.Version.parse(left.removeprefix("v")).compare(right.removeprefix("v"))
    except ValueError:
        return "incomparable"
    if order == 0:
        return "incomparable"
    return "newer" if order > 0 else "older"
