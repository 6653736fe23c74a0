"""Traffic through one part of the sandbox: every request is counted, and can be disturbed the way outages do it."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One disturbance: a status code, an answer that never comes, or a connection closed without a word."""

    kind: Literal["status", "hang", "away"]
    status: int = 503
    """The answer's code, for kind `status`."""
    retry_after: int | None = None
    """Seconds for a Retry-After header, for kind `status`."""
    times: int | None = None
    """How many requests it hits; None until it is cleared."""
    method: str | None = None
    path: str = ""
    """A regular expression searched in the request's path; empty hits every path."""

    def hits(self, request: web.Request) -> bool:
        """Whether this request is disturbed."""
        if self.times is not None and self.times <= 0:
            return False
        if self.method is not None and self.method.upper() != request.method:
            return False
        return re.search(self.path, request.path) is not None


class Traffic:
    """Counts and disturbs the requests of one application; use `middleware` in it."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.requests: Counter[str] = Counter()
        """Requests by method, refused and disturbed ones included."""
        self.writes: Counter[str] = Counter()
        """Successful writing requests by method."""

    def counters(self) -> dict[str, dict[str, int]]:
        """What was counted since the last reset."""
        return {"requests": dict(self.requests), "writes": dict(self.writes)}

    def reset(self) -> None:
        """Count from zero again."""
        self.requests.clear()
        self.writes.clear()

    def middleware(self) -> Middleware:
        """The aiohttp middleware that does both."""

        @web.middleware
        async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.requests[request.method] += 1
            fault = self._take(request)
            if fault is not None:
                return await disturb(request, fault)
            response = await handler(request)
            if request.method in WRITES and response.status < 300:
                self.writes[request.method] += 1
            return response

        return pass_through

    def _take(self, request: web.Request) -> Fault | None:
        for index, fault in enumerate(self.faults):
            if not fault.hits(request):
                continue
            if fault.times is not None:
                self.faults[index] = replace(fault, times=fault.times - 1)
            return fault
        return None


async def disturb(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Answer, or do not answer, as the fault says."""
    if fault.kind == "hang":
        await asyncio.sleep(3600)
    if fault.kind == "away":
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the sandbox was told to be away")
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return web.Response(status=fault.status, headers=headers, text="the sandbox was told to fail\n")
