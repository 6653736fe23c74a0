"""Every request is written down, so that a test can say what was asked and that no effect was doubled."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

REMEMBERED = 50_000
"""How many requests are kept; the counters go on counting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One API request as it came in and how it was answered; `route` is the template, e.g. `/projects/:id`."""

    method: str
    raw_path: str
    path: str
    query: Mapping[str, str | list[str]]
    body: Mapping[str, object] | None
    user: str | None
    status: int
    route: str | None
    natural_key: str | None = None

    @property
    def write(self) -> bool:
        return self.method not in ("GET", "HEAD")


@dataclass(slots=True)
class Ledger:
    """The log and its counts; Git pushes appear with method `GIT`, one record for each ref."""

    requests: deque[RecordedRequest] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    write_counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def record(self, request: RecordedRequest) -> None:
        self.requests.append(request)
        counts = self.write_counts if request.write else self.reads
        counts[request.method, request.route or "unmodelled"] += 1

    def writes(self, *, user: str | None = None, succeeded: bool | None = None) -> list[RecordedRequest]:
        """The writes, optionally of one user, optionally only those that were (or were not) accepted."""
        return [
            one
            for one in self.requests
            if one.write
            and (user is None or one.user == user)
            and (succeeded is None or (one.status < 400) == succeeded)
        ]

    def by_natural_key(self, *, user: str | None = None) -> Counter[str]:
        """How often each natural resource was written with success: a count above one may be a doubled effect."""
        return Counter(one.natural_key for one in self.writes(user=user, succeeded=True) if one.natural_key)

    def totals(self) -> dict[str, int]:
        return {"reads": self.reads.total(), "writes": self.write_counts.total()}

    def clear(self) -> None:
        self.requests.clear()
        self.reads.clear()
        self.write_counts.clear()
