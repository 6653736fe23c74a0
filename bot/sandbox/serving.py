"""Listening: one aiohttp application on a loopback port, started and stopped as one thing."""

from aiohttp import web

from bot.errors import PermanentError


class Listener:
    """A running HTTP server. `url` is known once `start` has returned."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._runner: web.AppRunner | None = None
        self.host = ""
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"http://{self.host}:{self.port}"

    async def start(self, host: str, port: int = 0) -> None:
        """Listen on `host`; port 0 takes a free one."""
        # Open watches would hold a clean stop back for aiohttp's default minute.
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.2, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise PermanentError(
                f"cannot listen on {host}:{port}: {error.strerror}. Choose another port or 0 for a free one"
            ) from error
        self.host, self.port = self._runner.addresses[0][:2]

    async def stop(self) -> None:
        """Close every connection and the socket."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
