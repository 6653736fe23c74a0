"""A real registry on loopback, and images put there by its own protocol, with the date they say they were made."""

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from local_process import free_ports, running
from tools_at_hand import binary

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY_TAR = bytes(1024)


@contextmanager
def running_registry(folder: Path) -> Iterator[str]:
    """The address of an empty registry, gone at the end."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [str(binary("crane")), "registry", "serve", "--address", address]
    ready_at = f"http://{address}/v2/"
    with running("registry", command, environment={}, log_file=folder / "registry.log", ready_at=ready_at):
        yield address


def push(image: str, *tags: str, made: datetime, content: str) -> str:
    """Put an image into a repository (`host:port/name`) under these tags; its digest."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": made.isoformat(),
        "config": {"Labels": {"is": content}},
    }
    blobs = {CONFIG: json.dumps(config).encode(), LAYER: EMPTY_TAR}
    described = {kind: _put_blob(image, kind, blob) for kind, blob in blobs.items()}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[CONFIG], "layers": [described[LAYER]]}
    body = json.dumps(manifest).encode()
    for tag in tags:
        _request("PUT", f"{_base(image)}/manifests/{tag}", body, MANIFEST)
    return digest_of(body)


def digest_of(body: bytes) -> str:
    """As registries count it."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _put_blob(image: str, kind: str, body: bytes) -> dict[str, object]:
    digest = digest_of(body)
    _request("POST", f"{_base(image)}/blobs/uploads/?digest={digest}", body, "application/octet-stream")
    return {"mediaType": kind, "digest": digest, "size": len(body)}


def _base(image: str) -> str:
    address, _, name = image.partition("/")
    return f"http://{address}/v2/{name}"


def _request(method: str, url: str, body: bytes, kind: str) -> None:
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status in (201, 202), response.status
