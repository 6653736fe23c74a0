"""The front door of the API: faults, sign-in, budgets, the handler, and a record of what happened."""

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from aiohttp import web

from bot.sandbox.gitlab.answers import Reply
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.chains import CURRENT_CHAIN, Chain
from bot.sandbox.gitlab.faults import Fault
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.ledger import RecordedRequest
from bot.sandbox.gitlab.people import Token
from bot.sandbox.gitlab.problems import ApiProblem, bad_request, insufficient_scope, invalid_token, unauthorized
from bot.sandbox.gitlab.routing import Route, Router

API = "/api/v4"
RETRY_LATER = "Retry later\n"


class FrontDoor:
    """Answers every `/api/v4` request."""

    def __init__(self, lab: Instance, router: Router) -> None:
        self.lab = lab
        self.router = router

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw_path = request.raw_path.split("?", 1)[0].removeprefix(API)
        CURRENT_CHAIN.set(Chain(received=request.headers.get("X-Gitlab-Event-UUID")))
        if self.lab.faults.away:
            return cut_connection(request)
        fault = self.lab.faults.take(request.method, raw_path)
        if fault is not None and fault.kind == "late":
            # Nobody may wait for the answer any more: what is on its way arrives all the same.
            await asyncio.sleep(fault.seconds)
            fault = None
        if fault is not None and fault.kind != "409-lock" and not fault.after_effect:
            return await self._fail(request, fault)
        try:
            call = await self._open(request)
        except ApiProblem as problem:
            return _render(Reply(status=problem.status, body=problem.body), {})
        response = await self._answer(request, call, raw_path, locked=fault is not None and fault.kind == "409-lock")
        if fault is not None and fault.after_effect:
            return await self._fail(request, fault)
        return response

    async def _answer(self, request: web.Request, call: Call, raw_path: str, *, locked: bool) -> web.Response:
        method = "GET" if request.method == "HEAD" else request.method
        found = self.router.find(method, raw_path)
        headers: dict[str, str] = {}
        try:
            if found is None:
                raise ApiProblem(501, {"error": f"the sandbox does not model {method} {raw_path}"})
            route, call.path = found
            call.token = self._authenticate(request, route)
            call.user = call.token.user if call.token else None
            throttled = self._throttle(call, route, headers)
            if locked:
                raise ApiProblem(409, {"message": "409 Conflict: another update of this commit is in progress"})
            reply = throttled or await route.handler(call)
        except ApiProblem as problem:
            reply = Reply(status=problem.status, body=problem.body, headers=problem.headers)
        self._record(call, raw_path, found[0] if found else None, reply.status)
        return _render(reply, headers)

    async def _open(self, request: web.Request) -> Call:
        url = urlsplit(request.raw_path)
        return Call(
            lab=self.lab,
            method="GET" if request.method == "HEAD" else request.method,
            url=f"{self.lab.url}{url.path}",
            path={},
            query=_pairs(parse_qsl(url.query, keep_blank_values=True)),
            body=await _body(request),
            user=None,
            token=None,
        )

    def _authenticate(self, request: web.Request, route: Route) -> Token | None:
        value = request.headers.get("PRIVATE-TOKEN") or _bearer(request)
        if value is None:
            return None
        token = self.lab.tokens.get(value)
        if token is None or token.user.state != "active":
            raise unauthorized()
        if token.revoked:
            raise invalid_token("Token was revoked. You have to re-authorize from the user.")
        if token.expires_on is not None and token.expires_on <= self.lab.now().date():
            raise invalid_token("Token is expired. You can either do re-authorization or token refresh.")
        opened = {"api", *route.scopes, *(("read_api",) if route.method == "GET" else ())}
        if not token.scopes & opened:
            raise insufficient_scope(" ".join(sorted(opened)))
        return token

    def _throttle(self, call: Call, route: Route, headers: dict[str, str]) -> Reply | None:
        who = call.user.username if call.user else "anonymous"
        told = self.lab.limits.spend(who)
        if told is not None:
            over = self.lab.limits.spent(told)
            headers.update(told if over else {name: told[name] for name in told if name != "Retry-After"})
            if over:
                return Reply(status=429, raw=RETRY_LATER.encode(), headers={"Content-Type": "text/plain"})
        if self.lab.limits.route_spent(who, route.method, route.template):
            text = "This endpoint has been requested too many times. Try again later."
            return Reply(status=429, body={"message": {"error": text}}, headers={"Retry-After": "60"})
        return None

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "429":
                headers = {
                    "Retry-After": str(fault.retry_after),
                    "RateLimit-Limit": "2000",
                    "RateLimit-Remaining": "0",
                    "RateLimit-Reset": str(int(self.lab.limits.wall()) + fault.retry_after),
                }
                return web.Response(status=429, text=RETRY_LATER, headers=headers)
            case "hang":
                await asyncio.sleep(fault.seconds)
                return cut_connection(request)
            case "reset":
                return cut_connection(request)
            case "html":
                return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
            case "empty":
                return web.Response(status=500)
            case "list":
                return web.json_response(["500 Internal Server Error"], status=500)
            case "503":
                headers = {"Retry-After": str(fault.retry_after)}
                return web.Response(status=503, text="GitLab is not responding", headers=headers)
            case _:
                return web.json_response({"message": f"{fault.kind} Internal Server Error"}, status=int(fault.kind))

    def _record(self, call: Call, raw_path: str, route: Route | None, status: int) -> None:
        self.lab.ledger.record(
            RecordedRequest(
                method=call.method,
                raw_path=raw_path,
                path=API + (route.template if route else raw_path),
                query=call.query,
                body=dict(call.body) or None,
                user=call.user.username if call.user else None,
                status=status,
                route=route.template if route else None,
                natural_key=call.natural_key,
            )
        )


def cut_connection(request: web.Request) -> web.Response:
    """Drop the connection without an answer, as a proxy or kernel does when GitLab is gone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _bearer(request: web.Request) -> str | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else None


def _pairs(pairs: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if not name.endswith("[]"):
            found[name] = value
            continue
        items = found.setdefault(name[:-2], [])
        if isinstance(items, list):
            items.append(value)
    return found


async def _body(request: web.Request) -> Mapping[str, object]:
    if not request.can_read_body:
        return {}
    if request.content_type == "application/json":
        text = await request.read()
        try:
            decoded = json.loads(text or b"{}")
        except ValueError:
            raise bad_request("400 Bad request - invalid JSON") from None
        return decoded if isinstance(decoded, dict) else {}
    form = await request.post()
    return dict(_pairs([(name, str(value)) for name, value in form.items()]))


def _render(reply: Reply, headers: Mapping[str, str]) -> web.Response:
    every = {"X-Request-Id": str(uuid4()), "X-Gitlab-Meta": '{"version":"1"}', **headers, **reply.headers}
    if reply.raw is not None:
        return web.Response(status=reply.status, body=reply.raw, headers=every)
    return web.json_response(reply.body, status=reply.status, headers=every)
