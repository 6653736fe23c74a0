"""A body is read only within its cap, its time and the memory that all requests share."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.server_answers import ErrorCode


@dataclass(slots=True)
class Hold:
    """What one request holds in memory, in bytes."""

    size: int = 0


class Load:
    """How much all requests hold at this moment, and how much they may."""

    def __init__(self, *, most_bytes: int, most_requests: int) -> None:
        self._most_bytes = most_bytes
        self._most_requests = most_requests
        self._bytes = 0
        self._requests = 0

    @property
    def is_full(self) -> bool:
        """Whether another request is one too many."""
        return self._requests >= self._most_requests or self._bytes >= self._most_bytes

    def enter(self) -> Hold:
        """Count a request; whoever enters leaves."""
        self._requests += 1
        return Hold()

    def leave(self, hold: Hold) -> None:
        """Give back all that a request held."""
        self._requests -= 1
        self._bytes -= hold.size

    def take(self, hold: Hold, size: int) -> None:
        """Count bytes that were read for a request."""
        hold.size += size
        self._bytes += size


def arrived_body(content: StreamReader, *, limit: int, load: Load, hold: Hold) -> bytes | ErrorCode | None:
    """The body if it came together with its headers, as small ones do; None if the rest is on its way."""
    if not content.is_eof() or content.exception() is not None:
        return None
    body = content.read_nowait()
    load.take(hold, len(body))
    return body if len(body) <= limit else "too_large"


async def awaited_body(
    content: StreamReader, *, limit: int, within: timedelta, load: Load, hold: Hold
) -> bytes | ErrorCode:
    """The whole body, or why not."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await _streamed(content, limit, load, hold)
    except TimeoutError:
        return "body_timeout"
    except (HttpProcessingError, web.RequestPayloadError, ConnectionError):
        return "broken_body"


async def _streamed(content: StreamReader, limit: int, load: Load, hold: Hold) -> bytes | ErrorCode:
    chunks = []
    while chunk := await content.readany():
        load.take(hold, len(chunk))
        if hold.size > limit:
            return "too_large"
        if load.is_full:
            return "overloaded"
        chunks.append(chunk)
    return b"".join(chunks)
