"""Serves an application of ours; deliveries go straight to their doors, everything else through aiohttp's router.

Measured with `bench.ack`: resolving the one path that is asked for thousands of times takes 5 of the 65 µs of a bare
handler.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

DOORS: web.AppKey[Mapping[str, Handler]] = web.AppKey("doors", Mapping[str, Handler])
"""What takes the deliveries, by exact path. The router knows each of them too, for all that is not plainly a POST."""


def create_runner(app: web.Application, *, linger: timedelta = timedelta(seconds=2)) -> web.AppRunner:
    """The runner an app of ours is served by: no access log, no inflating of bodies.

    linger: how long the rest of a refused body is read and dropped, so that its sender can read the answer.
    The keep-alive time also bounds how long headers may take (aiohttp 3.14 starts it with the connection).
    """
    quiet = logging.getLogger("bot.server.http")
    quiet.addFilter(_without_what_was_sent)
    return _Runner(
        app,
        access_log=None,
        logger=quiet,
        auto_decompress=False,
        lingering_time=linger.total_seconds(),
        keepalive_timeout=75,
    )


class _Runner(web.AppRunner):
    async def setup(self) -> None:
        await super().setup()
        # A middleware wants to see every request; instrumentation for tracing is one.
        if self.server is not None and not self.app.middlewares:
            self.server.request_handler = _straight(self.app.get(DOORS, {}), self.server.request_handler)


def _straight(doors: Mapping[str, Handler], routed: Handler) -> Handler:
    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        door = doors.get(request.raw_path)
        if door is None or request.method != hdrs.METH_POST or hdrs.EXPECT in request.headers:
            return routed(request)
        return door(request)

    return handle


def _without_what_was_sent(record: logging.LogRecord) -> bool:
    """Drop the traceback of malformed HTTP: aiohttp quotes the offending line there, credentials included."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info = None
        record.msg = "malformed HTTP from %s"
    return True
