"""Blobs over HTTP: monolithic and chunked uploads, mounts, ranges of progress, reads and deletion."""

import re

from aiohttp import web

from bot.sandbox.registry.errors import Refused
from bot.sandbox.registry.storage import Storage, Upload

CONTENT_RANGE = re.compile(r"(\d+)-(\d+)")


class Blobs:
    """The blob routes of one registry (OCI distribution spec v1.1, "Pushing blobs")."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The content, or on HEAD its length."""
        digest = request.match_info["digest"]
        path = self._storage.blob_path(request.match_info["name"], digest)
        headers = {"Docker-Content-Digest": digest, "Content-Type": "application/octet-stream"}
        return web.FileResponse(path, headers=headers)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Unlink it from the repository."""
        self._storage.delete_blob(request.match_info["name"], request.match_info["digest"])
        return web.Response(status=202)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Open an upload, take a whole blob in one request, or mount one from another repository."""
        name, query = request.match_info["name"], request.query
        if "mount" in query and self._storage.mount(name, query["mount"], query.get("from", "")):
            return _created(name, query["mount"])
        upload = self._storage.begin_upload(name)
        if "digest" not in query:
            return _accepted(upload)
        await self._storage.append(upload, request.content.iter_chunked(1 << 16))
        self._storage.finish_upload(upload, query["digest"])
        return _created(name, query["digest"])

    async def progress(self, request: web.Request) -> web.StreamResponse:
        """How far an upload is."""
        return web.Response(status=204, headers=_headers(self._upload(request)))

    async def append(self, request: web.Request) -> web.StreamResponse:
        """One chunk; a chunk out of order is 416."""
        upload = self._upload(request)
        self._in_order(request, upload)
        await self._storage.append(upload, request.content.iter_chunked(1 << 16))
        return _accepted(upload)

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """The last chunk, or none, and the digest of it all."""
        upload = self._upload(request)
        if "digest" not in request.query:
            raise Refused(400, "DIGEST_INVALID", detail="the digest query parameter is missing")
        self._in_order(request, upload)
        await self._storage.append(upload, request.content.iter_chunked(1 << 16))
        self._storage.finish_upload(upload, request.query["digest"])
        return _created(upload.repository, request.query["digest"])

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Forget an upload."""
        self._storage.cancel_upload(self._upload(request))
        return web.Response(status=204)

    def _upload(self, request: web.Request) -> Upload:
        return self._storage.upload(request.match_info["name"], request.match_info["upload"])

    def _in_order(self, request: web.Request, upload: Upload) -> None:
        span = CONTENT_RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if span is not None and int(span[1]) != upload.size:
            raise Refused(416, "BLOB_UPLOAD_INVALID", detail=f"expected {upload.size}", headers=_headers(upload))


def _headers(upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "Range": f"0-{max(upload.size - 1, 0)}",
        "Docker-Upload-UUID": upload.id,
    }


def _accepted(upload: Upload) -> web.Response:
    return web.Response(status=202, headers=_headers(upload))


def _created(name: str, digest: str) -> web.Response:
    headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return web.Response(status=201, headers=headers)
