"""Real multi-platform images, small enough to be made in a moment: the same content gives the same digests."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.sandbox.documents import Document
from bot.sandbox.registry.manifests import CONFIG, IMAGE, INDEX, LAYER


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image ready to be put: blobs first, then the platforms' manifests, then the index."""

    blobs: tuple[bytes, ...]
    manifests: tuple[bytes, ...]
    index: bytes


def build(labels: Mapping[str, str], *, platforms: Sequence[str], salt: str = "") -> BuiltImage:
    """An index over one image per platform (`os/architecture`), each labelled; another `salt` gives other digests.

    Labels stand in the config (where `docker inspect` shows them) and as annotations on manifests and index
    (OCI image spec v1.1, "Pre-Defined Annotation Keys").
    """
    blobs: list[bytes] = []
    manifests: list[bytes] = []
    entries: list[Document] = []
    for platform in platforms:
        system, _, architecture = platform.partition("/")
        layer, uncompressed = _layer(f"{platform} {salt} {json.dumps(dict(labels), sort_keys=True)}\n".encode())
        config = _json(
            {
                "architecture": architecture,
                "os": system,
                "config": {"Labels": dict(labels), "Cmd": ["/app"]},
                "rootfs": {"type": "layers", "diff_ids": [_digest(uncompressed)]},
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": IMAGE,
                "config": _descriptor(CONFIG, config),
                "layers": [_descriptor(LAYER, layer)],
                "annotations": dict(labels),
            }
        )
        blobs += [layer, config]
        manifests.append(manifest)
        entries.append(
            {**_descriptor(IMAGE, manifest), "platform": {"architecture": architecture, "os": system}},
        )
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": dict(labels)})
    return BuiltImage(blobs=tuple(blobs), manifests=tuple(manifests), index=index)


def _layer(content: bytes) -> tuple[bytes, bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("app")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0), buffer.getvalue()


def _json(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> Document:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}
