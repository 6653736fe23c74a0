"""The OCI distribution API over HTTP: checks, blobs, manifests, tags and referrers of one registry."""

import json
from collections.abc import Awaitable, Callable
from typing import Literal

from aiohttp import web

from bot.sandbox.registry.access import Access, Action
from bot.sandbox.registry.blobs import Blobs
from bot.sandbox.registry.errors import Refused
from bot.sandbox.registry.manifests import INDEX, Manifest, parse
from bot.sandbox.registry.storage import DIGEST, Storage
from bot.sandbox.registry.tags import page_of, with_next

Told = Callable[[Literal["push", "delete"], Manifest, str, str | None, str], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NAME = "{name:.+}"
ACTOR = web.RequestKey("actor", str)
# OCI distribution spec v1.1, "Pushing Manifests": registries should take at least 4 MiB, and may refuse more.
MANIFEST_LIMIT = 4 * 1024 * 1024


class Api:
    """Routes of one registry. `told` hears of each manifest that was pushed or deleted."""

    def __init__(self, storage: Storage, access: Access, told: Told) -> None:
        self._storage = storage
        self._access = access
        self._told = told
        self._blobs = Blobs(storage)

    def routes(self) -> list[web.RouteDef]:
        """Every modelled route; the order matters, because repository names contain slashes."""
        blobs = self._blobs
        return [
            web.get("/v2/", self._check),
            web.get("/v2/_catalog", self._guard("pull", self._catalog)),
            web.get(f"/v2/{NAME}/tags/list", self._guard("pull", self._tags)),
            web.get(f"/v2/{NAME}/referrers/{{digest}}", self._guard("pull", self._referrers)),
            web.post(f"/v2/{NAME}/blobs/uploads/", self._guard("push", blobs.begin)),
            web.get(f"/v2/{NAME}/blobs/uploads/{{upload}}", self._guard("push", blobs.progress)),
            web.patch(f"/v2/{NAME}/blobs/uploads/{{upload}}", self._guard("push", blobs.append)),
            web.put(f"/v2/{NAME}/blobs/uploads/{{upload}}", self._guard("push", blobs.finish)),
            web.delete(f"/v2/{NAME}/blobs/uploads/{{upload}}", self._guard("push", blobs.cancel)),
            web.get(f"/v2/{NAME}/blobs/{{digest}}", self._guard("pull", blobs.get)),
            web.delete(f"/v2/{NAME}/blobs/{{digest}}", self._guard("delete", blobs.delete)),
            web.get(f"/v2/{NAME}/manifests/{{reference}}", self._guard("pull", self._get)),
            web.put(f"/v2/{NAME}/manifests/{{reference}}", self._guard("push", self._put)),
            web.delete(f"/v2/{NAME}/manifests/{{reference}}", self._guard("delete", self._delete)),
            web.route("*", "/{rest:.*}", self._unmodelled),
        ]

    def _guard(self, action: Action, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            request[ACTOR] = self._access.require(request.headers.get("Authorization"), action)
            return await handler(request)

        return guarded

    async def _check(self, request: web.Request) -> web.StreamResponse:
        self._access.require_any(request.headers.get("Authorization"))
        return web.json_response({}, headers={"Docker-Distribution-API-Version": "registry/2.0"})

    async def _catalog(self, request: web.Request) -> web.StreamResponse:
        names, following = page_of(sorted(self._storage.repositories), request)
        return with_next(web.json_response({"repositories": names}), following, request)

    async def _tags(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        tags, following = page_of(sorted(self._storage.repository(name).tags), request)
        return with_next(web.json_response({"name": name, "tags": tags}), following, request)

    async def _referrers(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        if not DIGEST.fullmatch(digest):
            raise Refused(400, "DIGEST_INVALID", detail=digest)
        wanted = request.query.get("artifactType")
        found = self._storage.referrers(
            request.match_info["name"], digest, wanted=lambda one: wanted is None or one.artifact_type == wanted
        )
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [one.descriptor() for one in found]}
        # Exactly the media type: with a charset behind it, clients take the answer for no referrers API at all.
        headers = {"Content-Type": INDEX, **({"OCI-Filters-Applied": "artifactType"} if wanted is not None else {})}
        return web.Response(body=json.dumps(document).encode(), headers=headers)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        found = self._storage.manifest(request.match_info["name"], request.match_info["reference"])
        accepted = request.headers.getall("Accept", ["*/*"])
        if not _accepts(accepted, found.media_type):
            # Distribution answers 404 when the stored type is not among the accepted ones.
            raise Refused(404, "MANIFEST_UNKNOWN", detail=f"stored as {found.media_type}, which is not accepted")
        headers = {"Docker-Content-Digest": found.digest, "ETag": f'"{found.digest}"', "Content-Type": found.media_type}
        return web.Response(body=found.body, headers=headers)

    async def _put(self, request: web.Request) -> web.StreamResponse:
        name, reference = request.match_info["name"], request.match_info["reference"]
        body = await request.read()
        if len(body) > MANIFEST_LIMIT:
            raise Refused(413, "SIZE_INVALID", detail=f"a manifest may have {MANIFEST_LIMIT} bytes")
        manifest = parse(body, request.content_type)
        by_digest = ":" in reference
        if by_digest and reference != manifest.digest:
            raise Refused(400, "DIGEST_INVALID", detail=f"content is {manifest.digest}")
        tag = None if by_digest else reference
        self._storage.put_manifest(name, manifest, tag)
        self._told("push", manifest, name, tag, request[ACTOR])
        headers = {"Location": f"/v2/{name}/manifests/{manifest.digest}", "Docker-Content-Digest": manifest.digest}
        if manifest.subject is not None:
            headers["OCI-Subject"] = manifest.subject
        return web.Response(status=201, headers=headers)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        name, reference = request.match_info["name"], request.match_info["reference"]
        found = self._storage.manifest(name, reference)
        self._storage.delete_manifest(name, reference)
        self._told("delete", found, name, None if ":" in reference else reference, request[ACTOR])
        return web.Response(status=202)

    async def _unmodelled(self, request: web.Request) -> web.StreamResponse:
        raise Refused(501, "UNSUPPORTED", detail=f"{request.method} {request.path}")


def _accepts(headers: list[str], media_type: str) -> bool:
    offered = {part.partition(";")[0].strip() for header in headers for part in header.split(",")}
    return media_type in offered or "*/*" in offered or "application/*" in offered


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a refusal into its error document."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response()
