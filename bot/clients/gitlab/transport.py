"""One HTTP exchange with GitLab: bounded in time and size, and its failures told apart from its answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bot.errors import PermanentError, TemporaryError

CONNECT_TIMEOUT = 5.0
"""Seconds for the connection alone; a GitLab that cannot be reached should not eat the whole deadline."""

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes; a larger answer is no answer to anything the bot asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers (case-insensitive) and the whole undecoded body of one exchange."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: URL


async def exchange(
    session: aiohttp.ClientSession, method: str, url: URL, *, headers: Mapping[str, str], body: bytes, within: float
) -> Answer:
    """Send one request and read its answer within so many seconds; TemporaryError when none came.

    Redirects are not followed: the token goes nowhere it was not configured for.
    """
    timeout = aiohttp.ClientTimeout(total=within, sock_connect=min(CONNECT_TIMEOUT, within))
    try:
        async with session.request(
            method, url, headers=headers, data=body or None, timeout=timeout, allow_redirects=False
        ) as response:
            return Answer(status=response.status, headers=response.headers, body=await _read(response), url=url)
    except TimeoutError as error:
        raise TemporaryError(
            f"GitLab at {url.host} did not answer {method} {url.path} within {within:.0f} s. "
            "It is tried again by itself."
        ) from error
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
        raise TemporaryError(
            f"GitLab at {url.host} cannot be reached for {method} {url.path}: {type(error).__name__}: {error}. "
            "It is tried again by itself; look at the network or GitLab's own state if this goes on."
        ) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        received += chunk
        if len(received) > LARGEST_ANSWER:
            raise PermanentError(
                f"GitLab's answer to {response.url.path} is larger than {LARGEST_ANSWER // 2**20} MiB. "
                "Ask for less, or look what answers at this address."
            )
    return bytes(received)
