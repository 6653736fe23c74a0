"""Routes are GitLab's own templates, matched on the raw path so that `%2F` stays inside its segment."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from bot.sandbox.gitlab.answers import Reply
    from bot.sandbox.gitlab.call import Call


Handler = Callable[["Call"], Awaitable["Reply"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation; `scopes` are token scopes that open it besides `api` (and `read_api` for reading)."""

    method: str
    template: str
    handler: Handler
    scopes: frozenset[str]
    segments: tuple[str, ...]

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The path's parameters, or None when the path is another one."""
        found: dict[str, str] = {}
        for wanted, given in zip(self.segments, segments, strict=True):
            if wanted.startswith(":"):
                found[wanted[1:]] = unquote(given)
            elif wanted != given:
                return None
        return found


class RouteTable:
    """The operations of one area of the API, filled by decorators."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def add(self, method: str, template: str, *, scopes: Iterable[str] = ()) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            segments = tuple(template.strip("/").split("/"))
            self.routes.append(
                Route(method=method, template=template, handler=handler, scopes=frozenset(scopes), segments=segments)
            )
            return handler

        return register

    def get(self, template: str, *, scopes: Iterable[str] = ()) -> Callable[[Handler], Handler]:
        return self.add("GET", template, scopes=scopes)

    def post(self, template: str) -> Callable[[Handler], Handler]:
        return self.add("POST", template)

    def put(self, template: str) -> Callable[[Handler], Handler]:
        return self.add("PUT", template)

    def delete(self, template: str) -> Callable[[Handler], Handler]:
        return self.add("DELETE", template)


class Router:
    """Finds the operation of a path; fixed words win over parameters."""

    def __init__(self, tables: Iterable[RouteTable]) -> None:
        self._by_shape: dict[tuple[str, int], list[Route]] = {}
        for table in tables:
            for route in table.routes:
                self._by_shape.setdefault((route.method, len(route.segments)), []).append(route)
        for routes in self._by_shape.values():
            routes.sort(key=lambda route: [segment.startswith(":") for segment in route.segments])

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        segments = tuple(raw_path.strip("/").split("/"))
        for route in self._by_shape.get((method, len(segments)), []):
            found = route.match(segments)
            if found is not None:
                return route, found
        return None

    def templates(self) -> list[tuple[str, str]]:
        """All (method, template) pairs that are modelled."""
        return sorted((route.method, route.template) for routes in self._by_shape.values() for route in routes)
