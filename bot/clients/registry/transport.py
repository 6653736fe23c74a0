"""Requests to one registry: authenticated as it asks, bounded in time and size, tried again where that is safe."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import msgspec
from yarl import URL

from bot.clients.budget import HostBudget, Priority
from bot.clients.limits import retry_after
from bot.clients.registry.access import Challenge, CredentialsSource, parse_challenge
from bot.clients.registry.documents import TokenAnswer
from bot.clients.user_agent import user_agent
from bot.clock import Clock
from bot.errors import PermanentError, StaleError, TemporaryError

CONNECT_TIMEOUT, REQUEST_TIMEOUT, CALL_TIMEOUT = 5.0, 10.0, 30.0
"""Seconds to connect, for one request, and for a call with its retries."""

RETRIES = 3
REDIRECTS = 3
LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes; manifests are at most 4 MiB, and configurations far smaller."""

BeforeWrite = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer; headers are case-insensitive."""

    headers: Mapping[str, str]
    body: bytes
    url: URL


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One call: what is asked of which repository. body: sent with its content type by PUT alone."""

    method: str
    url: URL
    repository: str
    priority: Priority
    accept: str = ""
    content_type: str = ""
    body: bytes | None = None

    @property
    def write(self) -> bool:
        return self.method == "PUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    status: int
    headers: Mapping[str, str]
    body: bytes


class RegistryTransport:
    """One registry by `host[:port]`. `insecure`: plain http, only where the settings say so.

    token_hosts: hosts besides the registry's own domain that may see the credentials when it sends there for a token.
    """

    def __init__(
        self,
        host: str,
        session: aiohttp.ClientSession,
        budget: HostBudget,
        clock: Clock,
        *,
        credentials: CredentialsSource = lambda: None,
        insecure: bool = False,
        token_hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.base = _base(host, insecure)
        self._session = session
        self._budget = budget
        self._clock = clock
        self._credentials = credentials
        self._token_hosts = token_hosts
        self._basic = False
        self._tokens: dict[str, tuple[str, float]] = {}

    async def read(self, method: str, url: URL, *, repository: str, accept: str = "") -> Answer | None:
        """The answer to a GET or HEAD, or None for 404. TemporaryError: it is away. PermanentError: no right."""
        request = _Request(method=method, url=url, repository=repository, priority=Priority.READ, accept=accept)
        return await self._patiently(request)

    async def put(
        self, url: URL, *, repository: str, body: bytes, content_type: str, before_write: BeforeWrite
    ) -> Answer | None:
        """The same for a PUT, which may be sent again because the same content makes the same thing.

        before_write: awaited directly before each attempt; whatever it raises stops the write.
        """
        request = _Request(
            method="PUT",
            url=url,
            repository=repository,
            priority=Priority.PROMOTION,
            content_type=content_type,
            body=body,
        )
        return await self._patiently(request, before_write)

    async def _patiently(self, request: _Request, before: BeforeWrite | None = None) -> Answer | None:
        ends = asyncio.get_running_loop().time() + CALL_TIMEOUT
        for attempt in range(RETRIES + 1):
            try:
                return await self._answered(request, ends, before)
            except TemporaryError as error:
                wait = _pause(error, attempt)
                # What the world said before a write is not heard again by waiting here.
                lost = isinstance(error, StaleError)
                if lost or attempt == RETRIES or asyncio.get_running_loop().time() + wait > ends:
                    raise
            await self.sleep(wait)
        raise TemporaryError(f"registry {self.base.authority} did not answer. It is tried again by itself.")

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up anything else."""
        await asyncio.sleep(seconds)

    async def _answered(self, request: _Request, ends: float, before: BeforeWrite | None) -> Answer | None:
        await self._budget.acquire(request.priority, max(0.0, ends - asyncio.get_running_loop().time()))
        if before is not None:
            await before()
        answer = await self._exchange(request)
        if answer.status == 401:
            await self._answer_challenge(answer, request)
            answer = await self._exchange(request)
        if answer.status == 404 and not request.write:
            return None
        # OCI distribution 1.1, "Pushing Manifests": a registry that took one answers 201; some say 200 or 202.
        if answer.status not in ((200, 201, 202) if request.write else (200,)):
            raise self._refused(answer, request)
        return Answer(headers=answer.headers, body=answer.body, url=request.url)

    def _headers(self, request: _Request) -> dict[str, str]:
        named = {"Accept": request.accept, "Content-Type": request.content_type}
        headers = {"User-Agent": user_agent(), **{name: value for name, value in named.items() if value}}
        token, until = self._tokens.get(request.repository, ("", 0.0))
        credentials = self._credentials()
        if token and asyncio.get_running_loop().time() < until:
            headers["Authorization"] = f"Bearer {token}"
        elif self._basic and credentials is not None:
            headers["Authorization"] = credentials.header()
        return headers

    async def _answer_challenge(self, answer: _Exchange, request: _Request) -> None:
        challenge = parse_challenge(answer.headers.get("WWW-Authenticate", ""))
        if challenge is None or (challenge.scheme == "basic" and (self._basic or self._credentials() is None)):
            raise self._refused(answer, request)
        if challenge.scheme == "basic":
            self._basic = True
            return
        self._tokens.pop(request.repository, None)
        self._tokens[request.repository] = await self._fetch_token(challenge, request)

    async def _fetch_token(self, challenge: Challenge, request: _Request) -> tuple[str, float]:
        credentials = self._credentials()
        url = challenge.token_url(self.base, self._token_hosts)
        headers = {"User-Agent": user_agent()}
        if credentials is not None:
            headers["Authorization"] = credentials.header()
        answer = await self._once("GET", url, headers)
        if answer.status != 200:
            raise self._refused(answer, request)
        try:
            given = msgspec.json.decode(answer.body, type=TokenAnswer)
        except msgspec.DecodeError as error:
            raise TemporaryError(
                f"the token server {url.authority} of registry {self.base.authority} gave no token. It is tried again."
            ) from error
        # A token is used a little shorter than it lives, so that it does not expire on its way.
        until = asyncio.get_running_loop().time() + max(5, given.expires_in - 5)
        return given.token or given.access_token, until

    async def _exchange(self, request: _Request) -> _Exchange:
        """One request, following redirects (blobs often lie in object storage) without the credentials."""
        method, url, headers = request.method, request.url, self._headers(request)
        if request.write:
            return await self._once(method, url, headers, request.body)
        for _ in range(REDIRECTS + 1):
            answer = await self._once(method, url, headers)
            location = answer.headers.get("Location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            following = _redirected(url, location)
            if following is None or (following.scheme != "https" and self.base.scheme == "https"):
                break
            if following.origin() != url.origin():
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = following
        raise PermanentError(
            f"registry {self.base.authority} redirects in a circle, to plain http or to nowhere. "
            "Look at its storage settings."
        )

    async def _once(self, method: str, url: URL, headers: dict[str, str], body: bytes | None = None) -> _Exchange:
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                return _Exchange(status=response.status, headers=response.headers, body=await _body(response))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TemporaryError(
                f"{url.host} cannot be reached for registry {self.base.authority} ({type(error).__name__}). "
                "It is tried again by itself; look at the network or the registry if this goes on."
            ) from error

    def _refused(self, answer: _Exchange, request: _Request) -> TemporaryError | PermanentError:
        verb, right, scope = _PUSHING if request.write else _PULLING
        what = f"registry {self.base.authority} refused to {verb} {request.repository} ({answer.status})"
        if answer.status in (401, 403):
            return PermanentError(
                f"{what}: the credentials are missing, wrong, or may not {right} it. "
                f"Give the registry's user the right to {right} (GitLab: scope {scope}), and check the settings."
            )
        if answer.status == 429 or answer.status >= 500:
            told = answer.status == 429 or "Retry-After" in answer.headers
            seconds = retry_after(answer.headers, self._clock.now()) if told else 0.0
            if answer.status == 429:
                self._budget.pause(seconds)
            wait = timedelta(seconds=seconds) if told else None
            return TemporaryError(f"{what}. It is tried again by itself.", retry_after=wait)
        return PermanentError(f"{what}. Check the image's name and the registry's address in the settings.")


_PULLING = ("show", "pull", "read_registry")
_PUSHING = ("take a tag into", "push", "write_registry")
"""What was asked, the right that it needs, and GitLab's scope with that right."""


async def _body(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        received += chunk
        if len(received) > LARGEST_ANSWER:
            raise PermanentError(
                f"{response.url.host} answered {response.url.path} with more than {LARGEST_ANSWER // 2**20} MiB. "
                "That is no manifest; look at the image."
            )
    return bytes(received)


def _redirected(url: URL, location: str) -> URL | None:
    try:
        following = url.join(URL(location, encoded=True))
        # yarl looks at the port only when asked.
        return following if following.host and following.port else None
    except ValueError:
        return None


def _pause(error: TemporaryError, attempt: int) -> float:
    asked = error.retry_after.total_seconds() if error.retry_after is not None else 0.0
    backoff = random.uniform(0.2, 0.4) * (1 << attempt)  # noqa: S311 - jitter, not a secret
    return max(asked, backoff)


def _base(host: str, insecure: bool) -> URL:
    scheme = "http" if insecure else "https"
    try:
        url = URL(f"{scheme}://{host}")
    except ValueError:
        url = URL()
    if not url.host or url.user or url.path not in ("", "/") or url.query_string or "://" in host:
        raise PermanentError("a registry is given as HOST or HOST:PORT in the settings, nothing else.")
    return url / "v2"
