"""What can be made to go wrong on purpose, and for how long."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal["429", "500", "502", "503", "html", "empty", "list", "hang", "reset", "409-lock", "late"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """One planned failure: of which requests (`method`, `path` regex on the raw path), how many, until when."""

    kind: FaultKind
    times: int | None = None
    until: float | None = None
    method: str | None = None
    path: str | None = None
    retry_after: int = 1
    """Seconds told to the client with a 429 or 503."""
    seconds: float = 30.0
    """How long a hang lasts before the connection is dropped, and a `late` request waits before it is served."""
    after_effect: bool = False
    """Do the work first, then fail the answer: the client cannot know that the effect happened."""

    def matches(self, method: str, raw_path: str, now: float) -> bool:
        if self.times == 0 or (self.until is not None and now >= self.until):
            return False
        if self.method is not None and self.method.upper() != method:
            return False
        return self.path is None or re.search(self.path, raw_path) is not None


@dataclass(slots=True, kw_only=True)
class HookFaults:
    """What happens to webhooks on their way out."""

    drop_all: bool = False
    drop_next: int = 0
    delay: float = 0.0
    duplicate: Literal["no", "same-key", "second-hook"] = "no"
    """`same-key` resends with the same Idempotency-Key; `second-hook` is what an identical second hook does."""
    shuffle_within: float = 0.0
    """Each delivery waits a random time up to this many seconds, so order is lost."""


@dataclass(slots=True)
class FaultPlan:
    """The knobs. `away` refuses everything, Git included, by dropping the connection."""

    away: bool = False
    planned: list[Fault] = field(default_factory=list)
    hooks: HookFaults = field(default_factory=HookFaults)
    monotonic: Callable[[], float] = time.monotonic

    def add(
        self,
        kind: FaultKind,
        *,
        times: int | None = None,
        seconds: float | None = None,
        method: str | None = None,
        path: str | None = None,
        retry_after: int = 1,
        hang_for: float = 30.0,
        after_effect: bool = False,
    ) -> Fault:
        """Plan a fault for the next `times` matching requests, for `seconds`, or (neither given) until cleared."""
        fault = Fault(
            kind=kind,
            times=times,
            until=None if seconds is None else self.monotonic() + seconds,
            method=method,
            path=path,
            retry_after=retry_after,
            seconds=hang_for,
            after_effect=after_effect,
        )
        self.planned.append(fault)
        return fault

    def take(self, method: str, raw_path: str) -> Fault | None:
        """The fault this request meets, counted as used."""
        now = self.monotonic()
        for fault in self.planned:
            if fault.matches(method, raw_path, now):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def clear(self) -> None:
        self.away = False
        self.planned.clear()
        self.hooks = HookFaults()
