"""Manifests, indexes and image configurations, as far as labels are looked for in them.

OCI image spec 1.1 and Docker's image manifest v2, schema 2; the field names are the same in both.
"""

from collections.abc import Mapping

import msgspec

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
ACCEPT = ", ".join((*INDEXES, *MANIFESTS))


class Platform(msgspec.Struct, frozen=True):
    """What a manifest of an index runs on; build attestations say `unknown`."""

    os: str = ""
    architecture: str = ""


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A pointer to a blob or manifest by digest."""

    digest: str
    media_type: str = ""
    size: int = 0
    platform: Platform | None = None


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """An index (`manifests`) or a manifest (`config`)."""

    media_type: str = ""
    manifests: tuple[Descriptor, ...] | None = None
    config: Descriptor | None = None
    annotations: dict[str, str] | None = None

    def first_image(self) -> Descriptor | None:
        """The first manifest of an index that is an image of a platform."""
        images = [one for one in self.manifests or () if one.platform is None or one.platform.os != "unknown"]
        return images[0] if images else None


class _Config(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = msgspec.field(default=None, name="Labels")


class ImageConfig(msgspec.Struct, frozen=True):
    """An image's configuration blob."""

    config: _Config | None = None

    def labels(self) -> Mapping[str, str]:
        """The labels of the Dockerfile or build."""
        return (self.config.labels if self.config else None) or {}


class TagList(msgspec.Struct, frozen=True):
    """A page of tags; some registries say null for none."""

    tags: tuple[str, ...] | None = None


class TokenAnswer(msgspec.Struct, frozen=True):
    """What a token server answers (distribution, "Token Authentication Specification")."""

    token: str = ""
    access_token: str = ""
    expires_in: int = 60
