"""The answer to a stored delivery is written as prepared bytes: it is the one answer that is given thousands of times.

Measured with `bench.ack`: aiohttp's own response costs 15 of the 60 µs of a bare handler. Everything else is answered
by ordinary responses, and so is a sender that speaks HTTP/1.0, closes after each request, or has gone.
"""

from datetime import datetime
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from bot.server_answers import JSON

PHRASES = {200: "OK", 202: "Accepted"}


class Written(web.StreamResponse):
    """Tells aiohttp that the whole answer was written already, on a connection that stays open."""

    @property
    def keep_alive(self) -> bool:
        """Always: another kind of answer is given where the connection is to close."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to write."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


# They hold nothing of a request, so all share them: making one for each answer costs as much as writing it.
WRITTEN = {status: Written(status=status) for status in PHRASES}


def accepted(
    request: web.BaseRequest, delivery_id: str, *, duplicate: bool, status: int, now: datetime
) -> web.StreamResponse:
    """202 (Flagger: 200) with the id under which the delivery is kept."""
    tail = ',"duplicate":true}' if duplicate else "}"
    body = f'{{"id":"{delivery_id}"{tail}'.encode()
    transport = request.transport
    if transport is None or not request.keep_alive or request.version != HttpVersion11:
        return web.Response(status=status, body=body, headers=JSON)
    transport.write(_head(status, len(body), int(now.timestamp())) + body)
    return WRITTEN[status]


@lru_cache(maxsize=8)
def _head(status: int, length: int, second: int) -> bytes:
    date = formatdate(second, usegmt=True)
    return (
        f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        f"Date: {date}\r\n\r\n"
    ).encode()
