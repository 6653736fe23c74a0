"""One table says what the API offers: the routes are made from it, and so is the document that describes them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value in the query, or in the path where the path names it. schema: JSON Schema of the value."""

    name: str
    about: str
    required: bool = False
    schema: dict[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. answers: the form of success; body: the form it takes, if any."""

    method: str
    path: str
    name: str
    about: str
    handler: Handler
    answers: type | None
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None

    @property
    def pattern(self) -> str:
        """The path as aiohttp's router takes it: a key holds slashes."""
        return self.path.replace("{key}", "{key:.+}")

    def route(self) -> web.RouteDef:
        """The route."""
        return web.route(self.method, self.pattern, self.handler, name=self.name)
