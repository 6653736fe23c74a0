"""The worker is the sentence as a loop: route, decide, act, record, for every key that is dirty or due."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

import structlog

from bot.actions import Decision
from bot.clock import Clock
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.executor import Executor, Outcome
from bot.journal import Claim, Journal
from bot.keys import ApplicationKey, CommandKey, ConfigKey, EnvironmentKey, SourceKey, Subject
from bot.observing import Observer, Rule
from bot.parsing import Parser
from bot.recalling import Recall
from bot.replaying import dump_decision, dump_facts
from bot.routing import subjects_of
from bot.tenants import NO_POLICY, Tenants
from bot.tracing import spans
from bot.tracing.promotions import join
from config.policy import Policy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a key's rules: when it wants to be looked at again, and what failed."""

    wake_at: datetime | None = None
    because: str = ""
    temporary: TemporaryError | None = None
    permanent: PermanentError | None = None

    def after(self, decision: Decision, now: datetime) -> Self:
        """With one more decision; the earliest wake-up wins."""
        if decision.look_again is None:
            return self
        at = now + decision.look_again
        earlier = self.wake_at is None or at < self.wake_at
        return replace(self, wake_at=at, because=decision.because) if earlier else self

    def failed(self, error: TemporaryError | PermanentError) -> Self:
        """With one more failure; the first of each kind is told."""
        if isinstance(error, TemporaryError):
            return self if self.temporary else replace(self, temporary=error)
        return self if self.permanent else replace(self, permanent=error)


IDLE = timedelta(seconds=30)
"""How long the loop sleeps at most when nothing is due: a missed wake-up costs this and no more."""


AWAY = timedelta(seconds=1)
"""How long the loop waits before it uses a database again that did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once, and how long a claim is held without a sign of life."""

    workers: int = 4
    lease: timedelta = timedelta(seconds=60)


class Worker:
    """Brings keys up to date, several at a time, each by one task."""

    def __init__(
        self,
        *,
        name: str,
        journal: Journal,
        tenants: Tenants,
        recall: Recall,
        rules: Sequence[Rule[Any, Any]],
        observers: Callable[[Policy], Observer],
        executor: Executor,
        parser: Parser,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self.name = name
        self.journal = journal
        self.tenants = tenants
        self.recall = recall
        self.rules = rules
        self.observers = observers
        self.executor = executor
        self.parser = parser
        self.clock = clock
        self.limits = limits
        self.busy: set[asyncio.Task[None]] = set()
        self.last_round: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled; what is under way is then waited for no longer than a lease."""
        try:
            while True:
                await self._patiently()
        finally:
            for task in self.busy:
                task.cancel()
            await asyncio.gather(*self.busy, return_exceptions=True)

    async def _patiently(self) -> None:
        """A database that is away for a moment stops the round, not the bot."""
        try:
            await self.round()
        except TemporaryError as error:
            log.warning("the journal cannot be used just now", because=str(error))
            await asyncio.sleep(AWAY.total_seconds())

    async def round(self) -> None:
        """Digest what arrived, start what is due, then sleep until something is."""
        self.last_round = self.clock.now()
        digested = await self.journal.digest(self.parser.parse)
        if len(self.busy) >= self.limits.workers:
            await asyncio.wait(self.busy, return_when=asyncio.FIRST_COMPLETED, timeout=IDLE.total_seconds())
            return
        free = self.limits.workers - len(self.busy)
        claims = await self.journal.claim(self.name, lease=self.limits.lease, limit=free)
        for claim in claims:
            task = asyncio.create_task(self.bring_up_to_date(claim), name=str(claim.key))
            self.busy.add(task)
            task.add_done_callback(self._done)
        if not digested and not claims:
            due = await self.journal.due_in()
            await self.journal.wait(IDLE if due is None else min(due, IDLE))

    def _done(self, task: asyncio.Task[None]) -> None:
        self.busy.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("work ended unexpectedly", key=task.get_name(), error=repr(error))

    async def bring_up_to_date(self, claim: Claim) -> None:
        """Run every rule of a key, then give it back: finished, to be tried again, or kept for a person."""
        with spans.work(claim.key, because=claim.because, attempt=claim.attempts, traces=claim.traces):
            keeper = asyncio.create_task(self._keep(claim))
            try:
                await self._give_back(claim, await self.run_rules(claim))
            except StaleError as error:
                log.info("the claim was lost", key=str(claim.key), because=str(error))
            finally:
                keeper.cancel()

    async def run_rules(self, claim: Claim) -> Result:
        """Observe, decide, act and record, rule by rule; one failing rule never stops another.

        They look at one world, read once; who changed it (or failed on the way) leaves the next one to look anew.
        """
        policy = await self.policy_of(claim)
        observer = self.observers(policy)
        result = Result()
        for rule, subject in subjects_of(claim.key, self.rules, policy):
            try:
                with spans.run(rule.name, subject) as span:
                    decision, outcome = await self.run_rule(claim, rule, subject, observer, policy)
                    span.set_attribute("sluice.outcome", outcome.word)
                result = result.after(decision, self.clock.now())
                if not outcome.effects:
                    continue
            except (TemporaryError, PermanentError) as error:
                log.warning("rule failed", subject=str(subject), rule=rule.name, because=str(error))
                result = result.failed(error)
            # The one place that catches all: our own bug must stop neither the other rules nor the other keys.
            except Exception as error:
                log.exception("a rule broke", subject=str(subject), rule=rule.name)
                result = result.failed(
                    PermanentError(f"a defect of Sluice in {rule.name}: {error!r}. Please report it.")
                )
            observer = self.observers(policy)
        return result

    async def run_rule(
        self, claim: Claim, rule: Rule[Any, Any], subject: Subject, observer: Observer, policy: Policy
    ) -> tuple[Decision, Outcome]:
        """The sentence, once."""
        with spans.step("observe"):
            facts = await rule.observe(subject, observer)
        now = self.clock.now()
        with spans.step("decide"):
            decision = rule.decide(facts, policy, now)
        await self.trace(subject, decision)
        outcome = await self.executor.perform(claim, decision, now)
        await self.journal.record_run(
            claim,
            handler=rule.name,
            subject=subject,
            facts=dump_facts(rule, facts),
            policy=policy.document.encode(),
            now=now,
            decision=dump_decision(decision),
            outcome=outcome.word,
            because=decision.because,
            effects=outcome.effects,
            records=outcome.records,
        )
        self.tell(subject, rule, decision, outcome)
        return decision, outcome

    async def trace(self, subject: Subject, decision: Decision) -> None:
        """The run's span says what was decided, about which promotions; where none is recorded nothing is read."""
        span = spans.decided(decision)
        if span.is_recording() and decision.actions and isinstance(subject, EnvironmentKey):
            join(span, decision.actions, await self.journal.promotion_marks(subject))

    def tell(self, subject: Subject, rule: Rule[Any, Any], decision: Decision, outcome: Outcome) -> None:
        """One line for each run tells the story; runs that change nothing tell it only to those who debug."""
        say = log.info if outcome.effects else log.debug
        say("ran", subject=str(subject), rule=rule.name, outcome=outcome.word, because=decision.because)

    async def policy_of(self, claim: Claim) -> Policy:
        """The policy a key is decided by: its tenant's; a Flux object belongs to no tenant."""
        match claim.key:
            case ConfigKey(tenant=tenant) | ApplicationKey(tenant=tenant) | CommandKey(tenant=tenant):
                await self.recall.one(tenant)
                return self.tenants.policy(tenant)
            case SourceKey():
                await self.recall.all()
                return NO_POLICY

    async def _keep(self, claim: Claim) -> None:
        """Renew the lease while the work goes on; without it a second worker would rightly take over."""
        while True:
            await asyncio.sleep(self.limits.lease.total_seconds() / 3)
            await self.journal.renew(claim, self.limits.lease)

    async def _give_back(self, claim: Claim, result: Result) -> None:
        """What time may heal goes before what a person must mend, so that one environment never stalls another."""
        if result.temporary is not None:
            await self.journal.retry(claim, error=result.temporary)
        elif result.permanent is not None and result.wake_at is None:
            await self.journal.bury(claim, reason=str(result.permanent))
        else:
            because = str(result.permanent) if result.permanent is not None else result.because
            await self.journal.finish(claim, wake_at=result.wake_at, because=because)
