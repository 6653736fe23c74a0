"""The address of the next page, and only one that lies on the same server under the same API.

GitLab, https://docs.gitlab.com/api/rest/#pagination (18.x): a `Link` header with rel="next" (offset and keyset), and
`x-next-page` (offset only). Registries, OCI distribution 1.1 "Listing Tags": the `Link` header, often relative.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from yarl import URL

from bot.errors import PermanentError

_NEXT = re.compile(r'<([^>]*)>\s*;[^<]*?\brel="?next\b')


def next_page(api: URL, current: URL, headers: Mapping[str, str]) -> URL | None:
    """The next page's address, or None after the last; PermanentError for one that is not below `api`."""
    following = _linked(current, headers.get("link", "")) or _numbered(current, headers.get("x-next-page", ""))
    if following is None:
        return None
    if not (_same_server(api, following) and _inside(api, following)):
        raise PermanentError(
            f"the next page of {current.path} lies elsewhere ({following.host}): the token is not sent there. "
            "Set the address in the settings to what the server calls itself (GitLab: `external_url`)."
        )
    return following


def _linked(current: URL, header: str) -> URL | None:
    found = _NEXT.search(header)
    if found is None:
        return None
    try:
        following = current.join(URL(found[1], encoded=True))
        # yarl looks at the port only when asked, so a bad one would surface later.
        _server(following)
        return following
    except ValueError as error:
        raise PermanentError(
            f"the Link header of {current.path} holds no address. A proxy in between may have cut it."
        ) from error


def _numbered(current: URL, page: str) -> URL | None:
    return current.update_query(page=page) if page.isdigit() else None


def _same_server(api: URL, page: URL) -> bool:
    return page.absolute and _server(api) == _server(page)


def _server(url: URL) -> tuple[str, str | None, int | None, str | None, str | None]:
    return url.scheme, url.host, url.port, url.user, url.password


def _inside(api: URL, page: URL) -> bool:
    return ".." not in unquote(page.raw_path).split("/") and page.raw_path.startswith(api.raw_path.rstrip("/") + "/")
