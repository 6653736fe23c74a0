"""Request budgets per user, in fixed windows of a minute, told in RateLimit headers as GitLab tells them."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW = 60
"""Seconds a budget lasts. GitLab.com: 2,000 requests a minute for each user (docs: user/gitlab_com, rate limits)."""


@dataclass(slots=True)
class RateLimits:
    """`per_minute` covers the whole API (None: off); `routes` gives (method, template) a smaller budget of its own."""

    per_minute: int | None = 2_000
    routes: dict[tuple[str, str], int] = field(
        default_factory=lambda: {
            ("GET", "/projects/:id"): 400,
            ("POST", "/projects/:id/merge_requests/:merge_request_iid/notes"): 300,
            ("POST", "/projects/:id/issues/:issue_iid/notes"): 300,
        }
    )
    wall: Callable[[], float] = time.time
    _used: defaultdict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))

    def spend(self, who: str) -> dict[str, str] | None:
        """Count one request; return the headers to send, or None when no limit is set."""
        if self.per_minute is None:
            return None
        now = int(self.wall())
        window = now // WINDOW
        used = self._count(who, "", window)
        reset = (window + 1) * WINDOW
        return {
            "RateLimit-Limit": str(self.per_minute),
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Observed": str(used),
            "RateLimit-Remaining": str(max(0, self.per_minute - used)),
            "RateLimit-Reset": str(reset),
            "Retry-After": str(reset - now),
        }

    def spent(self, headers: dict[str, str]) -> bool:
        return self.per_minute is not None and int(headers["RateLimit-Observed"]) > self.per_minute

    def route_spent(self, who: str, method: str, template: str) -> bool:
        """Count one request of a route with its own budget; true when that budget is over."""
        limit = self.routes.get((method, template))
        if limit is None:
            return False
        return self._count(who, f"{method} {template}", int(self.wall()) // WINDOW) > limit

    def forget(self) -> None:
        self._used.clear()

    def _count(self, who: str, what: str, window: int) -> int:
        self._used[who, what, window] += 1
        for key in [key for key in self._used if key[2] < window - 1]:
            del self._used[key]
        return self._used[who, what, window]
