"""What all views of one GitLab have in common: budget, counters, locks and who the token is."""

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.clients.budget import HostBudget
from bot.clients.gitlab.models import User


@dataclass(slots=True)
class Traffic:
    """What was sent since the start, for /metrics."""

    reads: int = 0
    writes: int = 0
    retries: int = 0
    throttled: int = 0
    broken: int = 0
    refused: int = 0

    def count(self, method: str) -> None:
        """Count one request."""
        if method in ("GET", "HEAD"):
            self.reads += 1
        else:
            self.writes += 1


@dataclass(slots=True)
class Shared:
    """One per GitLabAPI, whatever number of bound views it has."""

    budget: HostBudget
    traffic: Traffic = field(default_factory=Traffic)
    own_user: User | None = None
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def lock(self, key: str) -> asyncio.Lock:
        """The one lock of this key in this process; gone when nobody holds it."""
        return self._locks.setdefault(key, asyncio.Lock())
