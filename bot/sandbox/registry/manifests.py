"""Manifests as a registry reads them: which blobs, manifests and subject one refers to, or why it is refused."""

import hashlib
import json
from dataclasses import dataclass

from bot.sandbox.documents import Document
from bot.sandbox.registry.errors import Refused

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
KINDS = frozenset({INDEX, IMAGE, DOCKER_LIST, DOCKER_IMAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One stored manifest and what it refers to."""

    digest: str
    media_type: str
    body: bytes
    blobs: tuple[str, ...]
    manifests: tuple[str, ...]
    subject: str | None
    artifact_type: str | None
    annotations: dict[str, str]

    def descriptor(self) -> Document:
        """How a referrers list names it (OCI distribution spec v1.1, "Listing Referrers")."""
        named: Document = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}
        if self.artifact_type:
            named["artifactType"] = self.artifact_type
        if self.annotations:
            named["annotations"] = self.annotations
        return named


def parse(body: bytes, media_type: str) -> Manifest:
    """Read a manifest that was put. Raises Refused (400) when it is not one, or not of the type it claims."""
    document = _document(body)
    claimed = document.get("mediaType", media_type)
    if claimed != media_type or media_type not in KINDS:
        raise Refused(400, "MANIFEST_INVALID", detail=f"sent as {media_type}, says {claimed}")
    config = document.get("config") or {}
    try:
        return Manifest(
            digest=f"sha256:{hashlib.sha256(body).hexdigest()}",
            media_type=media_type,
            body=body,
            blobs=tuple(part["digest"] for part in [config, *document.get("layers", [])] if part),
            manifests=tuple(part["digest"] for part in document.get("manifests", [])),
            subject=(document.get("subject") or {}).get("digest"),
            # Spec: an image manifest without artifactType is listed under its config's media type.
            artifact_type=document.get("artifactType") or config.get("mediaType"),
            annotations=dict(document.get("annotations") or {}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(400, "MANIFEST_INVALID", detail=f"a descriptor is incomplete: {error!r}") from error


def _document(body: bytes) -> Document:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Refused(400, "MANIFEST_INVALID", detail="not JSON") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise Refused(400, "MANIFEST_INVALID", detail="schemaVersion is not 2")
    return document
