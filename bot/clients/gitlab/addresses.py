"""Addresses of GitLab's API, built from parts that are always quoted."""

from collections.abc import Sequence
from urllib.parse import quote

from yarl import URL

from bot.errors import PermanentError

ProjectId = int | str
"""A project by number or by full path, e.g. `acme/shop`."""

Parameter = str | int | bool | Sequence[str] | None
"""A query parameter; None is left out."""


def of_project(project: ProjectId, *parts: str | int) -> str:
    """`projects/acme%2Fshop/merge_requests/5`: a path below /api/v4/."""
    return "/".join(["projects", quote(str(project), safe=""), *(_segment(part) for part in parts)])


def query_text(value: str | int | bool | Sequence[str]) -> str | list[str]:
    """A query parameter as GitLab reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return list(value)


def checked(url: str) -> str:
    """The address of a GitLab if it is one; PermanentError otherwise, and never an echo of a credential in it."""
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme in ("http", "https") and parsed.host and not (parsed.user or parsed.password or parsed.query):
        return url
    raise PermanentError(
        f"the address of GitLab ({parsed.with_user(None).with_query(None) if parsed.host else 'unreadable'}) is no "
        "address: write https://HOST or https://HOST/PATH, without user, token or query."
    )


def _segment(part: str | int) -> str:
    return quote(str(part), safe="")
