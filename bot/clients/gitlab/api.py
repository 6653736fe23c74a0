"""GitLab's API v4 on the event loop: every answer is typed, every failure is one of our two error words.

Built on gidgetlab, whose 2.1.2 loses Retry-After and error texts, breaks on odd error bodies and recurses over pages.
"""

import asyncio
import copy
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

import aiohttp
import gidgetlab.abc
import gidgetlab.sansio
import msgspec
from yarl import URL

from bot.clients.budget import HostBudget, Priority
from bot.clients.gitlab.addresses import Parameter, checked, query_text
from bot.clients.gitlab.errors import Feature, GitLabRefusal, readable, refusal
from bot.clients.gitlab.failures import Throttled, broken, throttled, undecodable
from bot.clients.gitlab.shared import Shared, Traffic
from bot.clients.gitlab.transport import Answer, exchange
from bot.clients.limits import rate_limit, retry_after
from bot.clients.pages import next_page
from bot.clients.user_agent import user_agent
from bot.clock import Clock
from bot.errors import PermanentError, TemporaryError

T = TypeVar("T")
BeforeWrite = Callable[[], Awaitable[None]]

REQUEST_TIMEOUT = 10.0
"""Seconds one request may take."""

CALL_TIMEOUT = 30.0
"""Seconds for a call with its waits and retries, when no deadline is set."""

READ_RETRIES = 3
"""How often a GET is sent again after 5xx or a broken connection. Writes never are: they may have arrived."""

PAGE_SIZE = 100
"""The largest GitLab gives (https://docs.gitlab.com/api/rest/#offset-based-pagination)."""


class GitLabAPI(gidgetlab.abc.GitLabAPI):
    """One GitLab under one token. `get`, `find`, `each` and `raw` read, `write` writes; answers are typed by msgspec.

    Paths are relative to /api/v4/ and already quoted. TemporaryError: GitLab is away or the budget is spent.
    GitLabRefusal (a PermanentError): 4xx. Both say what happened, why, and what to do, and never hold the token.
    """

    def __init__(self, url: str, token: str, session: aiohttp.ClientSession, budget: HostBudget, clock: Clock) -> None:
        super().__init__(user_agent(), access_token=token, url=checked(url))
        self.base = URL(self.api_url.rstrip("/"))
        self.shared = Shared(budget)
        self._session = session
        self._clock = clock
        self._priority = Priority.READ
        self._deadline: datetime | None = None
        self._before_write: BeforeWrite | None = None

    def bound(
        self,
        *,
        priority: Priority | None = None,
        deadline: datetime | None = None,
        before_write: BeforeWrite | None = None,
    ) -> Self:
        """The same GitLab for one piece of work: its priority, its deadline, and what must hold before it writes.

        `before_write` is awaited directly before each request that is not a GET; whatever it raises stops the write.
        """
        view = copy.copy(self)
        view._priority = self._priority if priority is None else priority
        view._deadline = self._deadline if deadline is None else deadline
        view._before_write = self._before_write if before_write is None else before_write
        return view

    @property
    def traffic(self) -> Traffic:
        """Counters of what was sent through this and all its bound views."""
        return self.shared.traffic

    def lock(self, key: str) -> asyncio.Lock:
        """The one lock of this key in this process, e.g. `status:<project>:<sha>`."""
        return self.shared.lock(key)

    async def get(
        self, path: str, type_: type[T], *, feature: Feature, params: Mapping[str, Parameter] | None = None
    ) -> T:
        """One object; GitLabRefusal with status 404 when there is none."""
        return decoded(await self.send("GET", self._address(path, params), feature=feature), type_)

    async def find(
        self, path: str, type_: type[T], *, feature: Feature, params: Mapping[str, Parameter] | None = None
    ) -> T | None:
        """One object, or None where GitLab says 404 (as it also does where the token may not look)."""
        try:
            return await self.get(path, type_, feature=feature, params=params)
        except GitLabRefusal as error:
            if error.status != 404:
                raise
            return None

    async def raw(self, path: str, *, feature: Feature, params: Mapping[str, Parameter] | None = None) -> bytes:
        """The undecoded body of one object."""
        return (await self.send("GET", self._address(path, params), feature=feature)).body

    async def each(
        self, path: str, type_: type[T], *, feature: Feature, params: Mapping[str, Parameter] | None = None
    ) -> AsyncIterator[T]:
        """All items over all pages, one page fetched at a time: stop early and no more is read."""
        first = self._address(path, {"per_page": PAGE_SIZE, **(params or {})})
        async for answer in self._pages(first, feature):
            for raw in decoded(answer, list[msgspec.Raw]):
                yield decoded(answer, type_, raw)

    async def all(
        self,
        path: str,
        type_: type[T],
        *,
        feature: Feature,
        params: Mapping[str, Parameter] | None = None,
        limit: int | None = None,
    ) -> tuple[T, ...]:
        """The items of all pages, or the first `limit` of them."""
        found: list[T] = []
        size = min(limit, PAGE_SIZE) if limit else PAGE_SIZE
        async for item in self.each(path, type_, feature=feature, params={"per_page": size, **(params or {})}):
            found.append(item)
            if limit is not None and len(found) >= limit:
                break
        return tuple(found)

    async def write(
        self,
        method: str,
        path: str,
        type_: type[T],
        *,
        feature: Feature,
        data: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Send a change once; its answer. After a TemporaryError nobody knows whether it arrived: read, then judge."""
        url, body = self._address(path, None), msgspec.json.encode(data)
        return decoded(await self.send(method, url, feature=feature, body=body, headers=headers), type_)

    async def remove(self, path: str, *, feature: Feature, headers: Mapping[str, str] | None = None) -> None:
        """Delete one object; one that is gone already is as good."""
        try:
            await self.send("DELETE", self._address(path, None), feature=feature, headers=headers)
        except GitLabRefusal as error:
            if error.status != 404:
                raise

    async def send(
        self, method: str, url: URL, *, feature: Feature, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The first answer that is a success, within the deadline, the budget, and the retries that are safe."""
        remaining, attempt = self._stopwatch(), 0
        while True:
            await self.shared.budget.acquire(self._priority, _some(remaining(), url))
            if method != "GET" and self._before_write is not None:
                await self._before_write()
            try:
                return self._accepted(method, await self._once(method, url, body, headers, remaining()), feature)
            except TemporaryError as error:
                wait = _wait_before_again(error, method, attempt)
                if wait is None or wait >= remaining():
                    raise
            attempt += 1
            self.traffic.retries += 1
            await self.sleep(wait)

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up anything else."""
        await asyncio.sleep(seconds)

    async def getiter(self, url: str, params: dict[str, str | bool] | None = None) -> AsyncGenerator[Any, None]:
        """All items over all pages, untyped: gidgetlab's own verb without its recursion."""
        async for answer in self._pages(self._address(url, params), "api"):
            for item in decoded(answer, list[Any]):
                yield item

    async def _make_request(
        self, method: str, url: str, params: Mapping[str, str | bool], data: Any
    ) -> tuple[Any, str | None]:
        """What gidgetlab's untyped verbs (getitem, post, put, …) run on."""
        body = b"" if data == b"" else msgspec.json.encode(data)
        answer = await self.send(method, self._address(url, params), feature="api", body=body)
        following = next_page(self.base, answer.url, answer.headers)
        return decoded(answer, Any) if answer.body else None, str(following) if following else None

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        answer = await exchange(
            self._session, method, URL(url, encoded=True), headers=headers, body=body, within=REQUEST_TIMEOUT
        )
        return answer.status, answer.headers, answer.body

    async def _once(
        self, method: str, url: URL, body: bytes, headers: Mapping[str, str] | None, within: float
    ) -> Answer:
        self.traffic.count(method)
        sent = gidgetlab.sansio.create_headers(self.requester, access_token=self.access_token)
        if body:
            sent["content-type"] = "application/json"
        sent.update(headers or {})
        return await exchange(
            self._session, method, url, headers=sent, body=body, within=max(0.01, min(REQUEST_TIMEOUT, within))
        )

    def _accepted(self, method: str, answer: Answer, feature: Feature) -> Answer:
        now = self._clock.now()
        limit = rate_limit(answer.headers, now)
        if limit is not None:
            self.shared.budget.observe(remaining=limit.remaining, resets_in=limit.resets_in)
        if 200 <= answer.status < 300:
            return answer
        if answer.status == 429:
            seconds = retry_after(answer.headers, now)
            self.traffic.throttled += 1
            # Requests left means a narrower limit was hit (notes, one route): only this request has to wait.
            if limit is None or limit.remaining <= 0:
                self.shared.budget.pause(seconds)
            raise throttled(method, answer, seconds)
        if answer.status >= 500:
            self.traffic.broken += 1
            asked = timedelta(seconds=retry_after(answer.headers, now)) if "retry-after" in answer.headers else None
            raise broken(method, answer, secret=self.access_token or "", wait=asked)
        self.traffic.refused += 1
        raise refusal(
            status=answer.status,
            method=method,
            path=answer.url.raw_path,
            body=answer.body,
            feature=feature,
            secret=self.access_token or "",
        )

    async def _pages(self, first: URL, feature: Feature) -> AsyncIterator[Answer]:
        seen: set[URL] = set()
        url: URL | None = first
        while url is not None:
            if url in seen:
                raise PermanentError(
                    f"GitLab's pages of {first.path} lead in a circle. Look at what answers between GitLab and Sluice."
                )
            seen.add(url)
            answer = await self.send("GET", url, feature=feature)
            yield answer
            url = next_page(self.base, url, answer.headers)

    def _address(self, path: str, params: Mapping[str, Parameter] | None) -> URL:
        given = {key: query_text(value) for key, value in (params or {}).items() if value is not None}
        return URL(self.format_url(path, given), encoded=True)

    def _stopwatch(self) -> Callable[[], float]:
        allowed = CALL_TIMEOUT
        if self._deadline is not None:
            allowed = (self._deadline - self._clock.now()).total_seconds()
        ends = asyncio.get_running_loop().time() + allowed
        return lambda: ends - asyncio.get_running_loop().time()


def decoded(answer: Answer, type_: type[T], body: bytes | msgspec.Raw | None = None) -> T:
    """The answer's JSON as the given type; TemporaryError when it is no JSON, PermanentError if of another shape."""
    try:
        return msgspec.json.decode(answer.body if body is None else body, type=type_)
    except msgspec.MsgspecError as error:
        raise undecodable(answer, error) from error


def _some(seconds: float, url: URL) -> float:
    if seconds > 0:
        return seconds
    raise TemporaryError(f"the deadline of this work passed before {readable(url.raw_path)} was asked. It runs again.")


def _wait_before_again(error: TemporaryError, method: str, attempt: int) -> float | None:
    if isinstance(error, Throttled):
        return error.seconds
    if method != "GET" or attempt >= READ_RETRIES:
        return None
    asked = error.retry_after.total_seconds() if error.retry_after is not None else 0.0
    backoff = random.uniform(0.2, 0.4) * (1 << attempt)  # noqa: S311 - jitter, not a secret
    return max(asked, backoff)
