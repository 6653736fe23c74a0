"""Outages, delays and counters of all three parts, as the control API asks for them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.errors import PermanentError
from bot.sandbox.control_forms import ClockForm, FaultForm, FlaggerHooksForm, FluxHooksForm, GitLabHooksForm
from bot.sandbox.disturbing import Disturbance
from bot.sandbox.documents import Document
from bot.sandbox.gitlab import HookFaults
from bot.sandbox.traffic import Fault, Traffic

if TYPE_CHECKING:
    from bot.sandbox.sandbox import Sandbox


class Disturbances:
    """Applies what is asked; a fault with `seconds` ends by itself."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._timers: list[asyncio.TimerHandle] = []

    def stop(self) -> None:
        """Forget the ends that were still to come."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def disturb_hooks(self, form: GitLabHooksForm | FluxHooksForm | FlaggerHooksForm) -> None:
        """Replace what happens to one sender's webhooks."""
        values = form.model_dump(exclude={"target"})
        match form:
            case GitLabHooksForm():
                self._sandbox.gitlab.faults.hooks = HookFaults(**values)
            case FluxHooksForm():
                self._sandbox.cluster.notifications.outbox.disturb(Disturbance(**values))
            case FlaggerHooksForm():
                self._sandbox.cluster.flagger.hooks.losing = form.drop

    def add(self, form: FaultForm) -> None:
        """Disturb one part. Raises PermanentError for a kind this part does not know."""
        if form.target == "gitlab":
            self._add_gitlab(form)
            return
        part = self._sandbox.registry if form.target == "registry" else self._sandbox.cluster
        fault = _traffic_fault(form)
        part.traffic.faults.append(fault)
        self._later(form.seconds, lambda: _drop(part.traffic, fault))

    def clear(self) -> None:
        """End every fault and every disturbance of webhooks."""
        self.stop()
        self._sandbox.gitlab.faults.away = False
        self._sandbox.cluster.flagger.hooks.losing = False
        self._sandbox.gitlab.faults.clear()
        self._sandbox.registry.traffic.faults.clear()
        self._sandbox.cluster.traffic.faults.clear()
        self._sandbox.cluster.notifications.outbox.disturb(Disturbance())

    def move_clock(self, form: ClockForm) -> None:
        """Advance, then freeze or thaw."""
        clock = self._sandbox.clock
        clock.advance(timedelta(seconds=form.advance_seconds))
        if form.frozen is True:
            clock.freeze()
        elif form.frozen is False:
            clock.thaw()

    def counters(self) -> Document:
        """What was written where since the last reset."""
        sandbox = self._sandbox
        ledger = sandbox.gitlab.ledger
        by_route = {f"{method} {route}": count for (method, route), count in ledger.write_counts.items()}
        pushes = sum(count for (method, _), count in ledger.write_counts.items() if method == "GIT")
        automations = sandbox.cluster.automations
        return {
            "gitlab": {**ledger.totals(), "by_route": by_route, "by_user": self._by_user()},
            "git_pushes": pushes,
            "registry": sandbox.registry.traffic.counters(),
            "cluster": sandbox.cluster.traffic.counters(),
            "flux": dict(sandbox.cluster.notifications.outbox.counters),
            "flagger": dict(sandbox.cluster.flagger.hooks.counters),
            "image_automation": {"pushes": automations.pushes, "stale_writes": automations.stale_writes},
        }

    def reset_counters(self) -> None:
        """Count from zero."""
        sandbox = self._sandbox
        sandbox.gitlab.reset_counters()
        sandbox.registry.traffic.reset()
        sandbox.cluster.traffic.reset()
        sandbox.cluster.notifications.outbox.counters.clear()
        sandbox.cluster.flagger.hooks.counters.clear()
        sandbox.cluster.automations.pushes = sandbox.cluster.automations.stale_writes = 0

    def _by_user(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for one in self._sandbox.gitlab.ledger.writes():
            counts[one.user or "nobody"] = counts.get(one.user or "nobody", 0) + 1
        return counts

    def _add_gitlab(self, form: FaultForm) -> None:
        faults = self._sandbox.gitlab.faults
        if form.kind == "away":
            faults.away = True
            self._later(form.seconds, lambda: setattr(faults, "away", False))
            return
        faults.add(
            form.kind,
            times=form.times,
            seconds=form.seconds,
            method=form.method,
            path=form.path,
            retry_after=form.retry_after,
            after_effect=form.after_effect,
        )

    def _later(self, seconds: float | None, end: Callable[[], None]) -> None:
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, end))


def _traffic_fault(form: FaultForm) -> Fault:
    fault = Fault(kind="away", times=form.times, method=form.method, path=form.path or "")
    match form.kind:
        case "away" | "reset":
            return fault
        case "hang":
            return replace(fault, kind="hang")
        case "429" | "500" | "502" | "503":
            return replace(fault, kind="status", status=int(form.kind), retry_after=form.retry_after)
        case _:
            raise PermanentError(
                f"the {form.target} cannot fail by {form.kind!r}: only GitLab can. "
                "Use 429, 500, 502, 503, hang, reset or away"
            )


def _drop(traffic: Traffic, fault: Fault) -> None:
    # A counted fault was replaced by copies of itself: what it says apart from its count identifies it.
    same = (fault.kind, fault.status, fault.method, fault.path)
    traffic.faults[:] = [one for one in traffic.faults if (one.kind, one.status, one.method, one.path) != same]
