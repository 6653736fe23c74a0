"""How answers look: JSON bodies, GitLab's time format, and pages with X- and Link headers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.problems import bad_parameter

T = TypeVar("T")
Json = dict[str, object]
MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers; `raw` is sent as it is, else `body` as JSON."""

    status: int = 200
    body: object = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(body: object) -> Reply:
    return Reply(body=body)


def created(body: object) -> Reply:
    return Reply(status=201, body=body)


def no_content() -> Reply:
    return Reply(status=204, raw=b"")


def stamp(at: datetime | None) -> str | None:
    """API time: `2026-01-31T12:00:00.000Z`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def iso(git_time: str) -> str:
    """Git's strict ISO time with the milliseconds GitLab adds to commit times."""
    return datetime.fromisoformat(git_time).isoformat(timespec="milliseconds")


def page(call: Call, items: Sequence[T], render: Callable[[T], object]) -> Reply:
    """One page of a list, with offset pagination headers (GitLab docs: api/rest, pagination)."""
    number, size = _page_wanted(call)
    last = max(1, -(-len(items) // size))
    shown = items[(number - 1) * size : number * size]
    headers = {
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Next-Page": str(number + 1) if number < last else "",
        "X-Prev-Page": str(number - 1) if number > 1 else "",
        "X-Total": str(len(items)),
        "X-Total-Pages": str(last),
        "Link": _links(call, number, size, last),
    }
    return Reply(body=[render(item) for item in shown], headers=headers)


def _page_wanted(call: Call) -> tuple[int, int]:
    number, size = call.integer("page", 1) or 1, call.integer("per_page", 20) or 20
    if number < 1:
        raise bad_parameter("page does not have a valid value")
    if size < 1:
        raise bad_parameter("per_page does not have a valid value")
    return number, min(size, MOST_PER_PAGE)


def _links(call: Call, number: int, size: int, last: int) -> str:
    def link(to: int, relation: str) -> str:
        query = urlencode({**call.query, "page": to, "per_page": size}, doseq=True)
        return f'<{call.url}?{query}>; rel="{relation}"'

    links = [link(number - 1, "prev")] if number > 1 else []
    links += [link(number + 1, "next")] if number < last else []
    return ", ".join([*links, link(1, "first"), link(last, "last")])
