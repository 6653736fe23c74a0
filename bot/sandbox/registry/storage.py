"""What a registry keeps: blobs on disk by digest, and per repository its links, manifests and tags."""

import hashlib
import re
import uuid
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.registry.errors import Refused
from bot.sandbox.registry.manifests import Manifest

# OCI distribution spec v1.1, "Pulling manifests": the grammar of <name> and of a tag.
NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """The content's name."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(slots=True, kw_only=True)
class Repository:
    """One repository: which blobs it may serve, its manifests by digest, its tags."""

    blobs: set[str] = field(default_factory=set)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Upload:
    """A blob on its way in."""

    id: str
    repository: str
    path: Path
    size: int = 0


class Storage:
    """One registry's content: blobs are shared, a repository serves only what was put or mounted in it."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._uploads_folder = folder / "uploads"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._uploads_folder.mkdir(parents=True, exist_ok=True)
        self.repositories: dict[str, Repository] = {}
        self._uploads: dict[str, Upload] = {}

    def repository(self, name: str) -> Repository:
        """An existing repository. Raises Refused (404) otherwise."""
        if name not in self.repositories:
            raise Refused(404, "NAME_UNKNOWN", detail=name)
        return self.repositories[name]

    def ensure_repository(self, name: str) -> Repository:
        """The repository, made when it is new. Raises Refused (400) for a bad name."""
        if not NAME.fullmatch(name) or len(name) > 255:
            raise Refused(400, "NAME_INVALID", detail=name)
        return self.repositories.setdefault(name, Repository())

    def blob_path(self, repository: str, digest: str) -> Path:
        """Where a linked blob lies. Raises Refused (404) when this repository does not have it."""
        if repository not in self.repositories or digest not in self.repositories[repository].blobs:
            raise Refused(404, "BLOB_UNKNOWN", detail=digest)
        return self._path(digest)

    def put_blob(self, repository: str, content: bytes) -> str:
        """Store a whole blob in one go."""
        digest = digest_of(content)
        self._path(digest).write_bytes(content)
        self.ensure_repository(repository).blobs.add(digest)
        return digest

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Link another repository's blob here, if it has it."""
        other = self.repositories.get(source)
        if other is None or digest not in other.blobs:
            return False
        self.ensure_repository(repository).blobs.add(digest)
        return True

    def begin_upload(self, repository: str) -> Upload:
        """Open an upload."""
        self.ensure_repository(repository)
        identity = str(uuid.uuid4())
        upload = Upload(id=identity, repository=repository, path=self._uploads_folder / identity)
        upload.path.touch()
        self._uploads[identity] = upload
        return upload

    def upload(self, repository: str, identity: str) -> Upload:
        """An open upload of this repository. Raises Refused (404) otherwise."""
        upload = self._uploads.get(identity)
        if upload is None or upload.repository != repository:
            raise Refused(404, "BLOB_UPLOAD_UNKNOWN", detail=identity)
        return upload

    async def append(self, upload: Upload, chunks: AsyncIterable[bytes]) -> None:
        """Add what arrives to an upload."""
        with upload.path.open("ab") as file:
            async for chunk in chunks:
                file.write(chunk)
                upload.size += len(chunk)

    def finish_upload(self, upload: Upload, digest: str) -> None:
        """Turn an upload into a blob. Raises Refused (400) when its content has another digest."""
        if not DIGEST.fullmatch(digest):
            raise Refused(400, "DIGEST_INVALID", detail=digest)
        with upload.path.open("rb") as file:
            found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if found != digest:
            raise Refused(400, "DIGEST_INVALID", detail=f"content is {found}")
        upload.path.replace(self._path(digest))
        self.ensure_repository(upload.repository).blobs.add(digest)
        del self._uploads[upload.id]

    def cancel_upload(self, upload: Upload) -> None:
        """Forget an upload."""
        upload.path.unlink(missing_ok=True)
        del self._uploads[upload.id]

    def put_manifest(self, repository: str, manifest: Manifest, tag: str | None) -> bool:
        """Store a manifest and point the tag at it; whether anything changed. Raises Refused for missing parts."""
        kept = self.ensure_repository(repository)
        for blob in manifest.blobs:
            if blob not in kept.blobs:
                raise Refused(404, "MANIFEST_BLOB_UNKNOWN", detail=blob)
        for child in manifest.manifests:
            if child not in kept.manifests:
                raise Refused(404, "MANIFEST_BLOB_UNKNOWN", detail=child)
        if tag is not None and not TAG.fullmatch(tag):
            raise Refused(400, "TAG_INVALID", detail=tag)
        changed = manifest.digest not in kept.manifests or (tag is not None and kept.tags.get(tag) != manifest.digest)
        kept.manifests[manifest.digest] = manifest
        if tag is not None:
            kept.tags[tag] = manifest.digest
        return changed

    def manifest(self, repository: str, reference: str) -> Manifest:
        """A manifest by tag or digest. Raises Refused (404) otherwise."""
        kept = self.repository(repository)
        digest = kept.tags.get(reference, reference)
        if digest not in kept.manifests:
            raise Refused(404, "MANIFEST_UNKNOWN", detail=reference)
        return kept.manifests[digest]

    def delete_manifest(self, repository: str, reference: str) -> None:
        """Remove a tag, or a manifest with all its tags."""
        found = self.manifest(repository, reference)
        kept = self.repository(repository)
        if reference in kept.tags:
            del kept.tags[reference]
            return
        del kept.manifests[found.digest]
        kept.tags = {tag: digest for tag, digest in kept.tags.items() if digest != found.digest}

    def delete_blob(self, repository: str, digest: str) -> None:
        """Unlink a blob from this repository."""
        self.blob_path(repository, digest)
        self.repositories[repository].blobs.discard(digest)

    def referrers(self, repository: str, digest: str, *, wanted: Callable[[Manifest], bool]) -> list[Manifest]:
        """The manifests whose subject is this digest, oldest first."""
        kept = self.ensure_repository(repository)
        return [one for one in kept.manifests.values() if one.subject == digest and wanted(one)]

    def _path(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")
