"""What an answer says about when the next request is welcome: Retry-After and the RateLimit headers.

https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers (18.x): `RateLimit-Limit`,
`-Remaining`, `-Reset` (Unix seconds); 429 carries `Retry-After`, and its body may be plain text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DEFAULT_PAUSE = 30.0
"""Seconds to wait after a 429 that does not say how long."""

LONGEST_PAUSE = 3600.0
"""Seconds; a server that asks for more is asked again after an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many requests are left, and in how many seconds the count starts anew."""

    remaining: int
    resets_in: float


def rate_limit(headers: Mapping[str, str], now: datetime) -> RateLimit | None:
    """The server's own count, or None when it gives none that can be read."""
    remaining = _number(headers.get("ratelimit-remaining"))
    reset = _number(headers.get("ratelimit-reset"))
    if remaining is None or reset is None:
        return None
    return RateLimit(remaining=int(remaining), resets_in=_bounded(reset - now.timestamp()))


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds to wait after a 429 or 503: Retry-After as seconds or date (RFC 9110 10.2.3), else the reset, else 30."""
    asked = headers.get("retry-after", "").strip()
    seconds = _number(asked)
    if seconds is None:
        seconds = _seconds_until(asked, now)
    if seconds is not None:
        return max(1.0, _bounded(seconds))
    limit = rate_limit(headers, now)
    return max(1.0, limit.resets_in) if limit is not None and limit.remaining <= 0 else DEFAULT_PAUSE


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return (then - now).total_seconds()


def _number(text: str | None) -> float | None:
    if not text or not text.strip().isdecimal():
        return None
    return float(text)


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_PAUSE)
