"""Pages of a registry's lists: `n` entries after `last`, and the Link to the next page."""

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from bot.sandbox.registry.errors import Refused


def page_of(names: Sequence[str], request: web.Request) -> tuple[list[str], dict[str, str] | None]:
    """This page's names and the next page's query, None on the last page.

    OCI distribution spec v1.1, "Listing Tags": `last` need not exist, `n=0` is an empty page without a Link.
    """
    last = request.query.get("last", "")
    rest = [name for name in names if name > last]
    if "n" not in request.query:
        return rest, None
    if not request.query["n"].isdecimal():
        raise Refused(400, "UNSUPPORTED", detail="n is not a number")
    size = int(request.query["n"])
    if size == 0 or len(rest) <= size:
        return rest[:size], None
    return rest[:size], {"n": str(size), "last": rest[size - 1]}


def with_next(response: web.Response, following: dict[str, str] | None, request: web.Request) -> web.Response:
    """The response with the Link of RFC 5988, when there is a next page."""
    if following is not None:
        response.headers["Link"] = f'<{request.path}?{urlencode(following)}>; rel="next"'
    return response
