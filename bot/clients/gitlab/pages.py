"""The address of the next page, and only one that lies on the same server under the same API.

https://docs.gitlab.com/api/rest/#pagination (18.x): a `Link` header with rel="next" (offset and keyset),
and `x-next-page` (offset only).
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from yarl import URL

from bot.clients.gitlab.errors import readable
from bot.errors import PermanentError

_NEXT = re.compile(r'<([^>]*)>\s*;[^<]*?\brel="?next\b')


def next_page(api: URL, current: URL, headers: Mapping[str, str]) -> URL | None:
    """The next page's address, or None after the last; PermanentError for one outside of `api` (ends in /api/v4)."""
    following = _linked(current, headers.get("link", "")) or _numbered(current, headers.get("x-next-page", ""))
    if following is None:
        return None
    if not (_same_server(api, following) and _inside(api, following)):
        raise PermanentError(
            f"GitLab's next page of {readable(current.path)} lies elsewhere ({following.host}): the token is not "
            f"sent there. Set `external_url` of GitLab, or the instance's address in the settings, to the same address."
        )
    return following


def _linked(current: URL, header: str) -> URL | None:
    found = _NEXT.search(header)
    if found is None:
        return None
    try:
        return current.join(URL(found[1], encoded=True))
    except ValueError as error:
        raise PermanentError(
            f"GitLab's Link header of {readable(current.path)} holds no address. A proxy in between may have cut it."
        ) from error


def _numbered(current: URL, page: str) -> URL | None:
    return current.update_query(page=page) if page.isdigit() else None


def _same_server(api: URL, page: URL) -> bool:
    here, there = ((url.scheme, url.host, url.port, url.user, url.password) for url in (api, page))
    return page.absolute and here == there


def _inside(api: URL, page: URL) -> bool:
    return ".." not in unquote(page.raw_path).split("/") and page.raw_path.startswith(api.raw_path.rstrip("/") + "/")
