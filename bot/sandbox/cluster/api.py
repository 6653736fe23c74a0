"""The Kubernetes API over HTTP: authentication, RBAC, discovery, and the verbs on every served kind."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bot.sandbox.cluster import discovery, patching
from bot.sandbox.cluster.access import Access, User
from bot.sandbox.cluster.kinds import Kind, kind_at
from bot.sandbox.cluster.lists import Lists, selector_of
from bot.sandbox.cluster.objects import Objects, Part, parse_version
from bot.sandbox.cluster.statuses import (
    ApiError,
    bad_request,
    conflict,
    no_such_path,
    not_found,
    unmodelled,
    unsupported_patch,
)
from bot.sandbox.cluster.watching import Watched, Watches
from bot.sandbox.documents import Document

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
USER = web.RequestKey("user", User)
# Receivers authenticate by their own path and token.
PUBLIC = "/hook/"
# Without timeoutSeconds the real server closes a watch after 30 to 60 minutes.
WATCH_SECONDS = 1800.0
PATCHES = {
    "application/merge-patch+json": patching.merge,
    "application/strategic-merge-patch+json": patching.strategic,
    "application/json-patch+json": patching.json_patch,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is about."""

    kind: Kind
    namespace: str
    name: str
    part: Part


class Api:
    """The routes of the API server."""

    def __init__(self, objects: Objects, access: Access, watches: Watches) -> None:
        self._objects = objects
        self._access = access
        self._watches = watches
        self.lists = Lists(objects)
        self.gone_watches = 0
        """How many of the next watches are refused with HTTP 410 before they begin."""

    def routes(self) -> list[web.RouteDef]:
        """Every modelled route."""
        routes = [
            # Clients ask these six also with a slash at the end.
            web.get("/version", _fixed(discovery.VERSION)),
            web.get("/api", self._core_versions),
            web.get("/apis", _fixed(discovery.groups())),
            web.get("/api/v1", _fixed(discovery.resources("", "v1"))),
            web.get("/apis/{group}", self._group),
            web.get("/apis/{group}/{version}", self._resources),
            *[web.get(f"/{name}", _healthy) for name in ("healthz", "livez", "readyz")],
        ]
        for root in ("/api/{version:v1}", "/apis/{group}/{version}"):
            # A namespace is itself an object at the path that namespaced collections begin with.
            routes += self._collection(root + "/namespaces/{namespace}/{plural}")
            routes += self._object(root + "/namespaces/{namespace}/{plural}/{name}")
            routes += self._collection(root + "/{plural}")
            routes += self._object(root + "/{plural}/{name}")
        slashed = [web.get(f"{route.path}/", route.handler) for route in routes[:6]]
        return [*routes, *slashed, web.route("*", "/{rest:.*}", _nothing_here)]

    def _collection(self, path: str) -> list[web.RouteDef]:
        return [web.get(path, self._list), web.post(path, self._create)]

    def _object(self, path: str) -> list[web.RouteDef]:
        verbs: list[web.RouteDef] = []
        for place in (path, path + "/{part:status}"):
            verbs += [web.get(place, self._get), web.put(place, self._update), web.patch(place, self._patch)]
        return [*verbs, web.delete(path, self._delete)]

    def _target(self, request: web.Request, verb: str) -> Target:
        info = request.match_info
        kind = kind_at(info.get("group", ""), info["version"], info["plural"])
        part: Part = "status" if "part" in info else "object"
        if kind is None or (part == "status" and not kind.status):
            raise no_such_path()
        namespace, name = info.get("namespace", ""), info.get("name", "")
        if name and kind.namespaced and not namespace:
            raise no_such_path()
        subresource = "status" if part == "status" else ""
        user = request[USER]
        self._access.require(user, verb, kind, namespace=namespace, name=name, subresource=subresource)
        return Target(kind=kind, namespace=namespace, name=name, part=part)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request, "get")
        return _json(self._objects.get(target.kind, target.namespace, target.name))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") in ("true", "1", "True"):
            return await self._watch(request)
        target = self._target(request, "list")
        return _json(self.lists.page(target.kind, target.namespace, request.query))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request, "watch")
        if self.gone_watches > 0:
            self.gone_watches -= 1
            raise ApiError(410, "Expired", "The resourceVersion for the provided watch is too old.")
        query = request.query
        start = query.get("resourceVersion", "")
        watched = Watched(
            kind=target.kind,
            namespace=target.namespace,
            selector=selector_of(query),
            start=None if start in ("", "0") else parse_version(start),
            bookmarks=query.get("allowWatchBookmarks", "").lower() in ("true", "1"),
            seconds=float(query.get("timeoutSeconds", WATCH_SECONDS)),
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            await response.prepare(request)
            async for line in self._watches.lines(watched):
                await response.write(line)
        except ConnectionResetError:
            return response
        await response.write_eof()
        return response

    async def _create(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request, "create")
        document = await _body(request)
        _same_kind(target.kind, document)
        created = self._objects.create(target.kind, target.namespace, document, dry_run=_dry(request))
        return _json(created, status=201)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request, "update")
        document = await _body(request)
        _same_kind(target.kind, document)
        _same_name(target, document)
        return _json(self._objects.update(target.kind, document, part=target.part, dry_run=_dry(request)))

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request, "patch")
        apply = PATCHES.get(request.content_type)
        if request.content_type == "application/apply-patch+yaml":
            raise unmodelled("server-side apply")
        if apply is None or (apply is patching.strategic and not target.kind.builtin):
            raise unsupported_patch(target.kind)
        current = self._objects.get(target.kind, target.namespace, target.name)
        changed = apply(current, await _json_of(request))
        if changed["metadata"].get("resourceVersion") != current["metadata"]["resourceVersion"]:
            raise conflict(target.kind, target.name)
        _same_name(target, changed)
        return _json(self._objects.update(target.kind, changed, part=target.part, dry_run=_dry(request)))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        target = self._target(request, "delete")
        gone = self._objects.delete(target.kind, target.namespace, target.name)
        details = {"name": target.name, "group": target.kind.group, "kind": target.kind.plural}
        details["uid"] = gone["metadata"]["uid"]
        return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    async def _core_versions(self, request: web.Request) -> web.StreamResponse:
        return _json(discovery.core_versions(request.host))

    async def _group(self, request: web.Request) -> web.StreamResponse:
        group = discovery.group(request.match_info["group"])
        if not group["versions"]:
            raise no_such_path()
        return _json(group)

    async def _resources(self, request: web.Request) -> web.StreamResponse:
        listed = discovery.resources(request.match_info["group"], request.match_info["version"])
        if not listed["resources"]:
            raise no_such_path()
        return _json(listed)

    @web.middleware
    async def authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Know the user, and turn refusals into Status objects."""
        if request.path.startswith(PUBLIC):
            return await handler(request)
        try:
            request[USER] = self._access.user(request.headers.get("Authorization"))
            return await handler(request)
        except ApiError as error:
            return _json(error.status(), status=error.code)


def _fixed(document: Document) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return _json(document)

    return answer


async def _healthy(_: web.Request) -> web.StreamResponse:
    return web.Response(text="ok")


async def _nothing_here(request: web.Request) -> web.StreamResponse:
    if request.path.startswith(("/openapi", "/apis/", "/api/")) and request.method == "GET":
        raise no_such_path()
    raise unmodelled(f"{request.method} {request.path}")


def _json(document: Document, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/json")


async def _json_of(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from error


async def _body(request: web.Request) -> Document:
    document = await _json_of(request)
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise bad_request("the body is not an object with metadata")
    return document


def _same_kind(kind: Kind, document: Document) -> None:
    given = (document.get("apiVersion", kind.api_version), document.get("kind", kind.kind))
    if given != (kind.api_version, kind.kind):
        raise bad_request(f"the object provided is {given[0]} {given[1]}, not {kind.api_version} {kind.kind}")


def _same_name(target: Target, document: Document) -> None:
    meta = document["metadata"]
    meta.setdefault("namespace", target.namespace) if target.namespace else meta.pop("namespace", None)
    if (meta.get("name"), meta.get("namespace", "")) != (target.name, target.namespace):
        if meta.get("name") is None:
            raise not_found(target.kind, "")
        raise bad_request("the name or namespace of the object does not match the one in the URL")


def _dry(request: web.Request) -> bool:
    return request.query.get("dryRun") == "All"
