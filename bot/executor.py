"""Act: only here does anything change outside. Each effect is intended under the fence, made so, and noted as done."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.acting.breaker import Breaker, ThreadQuiet
from bot.acting.hands import AboutToWrite, Done, Hands
from bot.acting.making import make
from bot.acting.queue import MergeQueue
from bot.acting.stranding import page, refusals
from bot.actions import (
    ClosePromotion,
    Decision,
    Inside,
    LiftPin,
    MergePromotion,
    MergeRollback,
    OpenIncident,
    Outside,
    PlaceTag,
    ProposePromotion,
    PublishGates,
    React,
    Reply,
    RevokeDenial,
    RollBack,
    TellPromotion,
    TellSource,
    WriteCommitStatus,
    WriteDeployment,
    WriteInstall,
    WriteSticky,
    digest,
)
from bot.clients.budget import Priority
from bot.clock import Clock
from bot.errors import PermanentError
from bot.journal import Claim, Journal
from bot.looking.git_truth import GitTruth
from bot.tenants import Tenant, Tenants
from bot.tracing.spans import effect, made
from bot.wiring.clients import Apis

log = structlog.get_logger(__name__)

WRITE_TAKES = timedelta(seconds=20)
"""The longest one outside write may take; less under a lease so short that it would not outlast that."""

PRIORITIES: Mapping[type[Outside], Priority] = {
    RollBack: Priority.ROLLBACK,
    MergeRollback: Priority.ROLLBACK,
    OpenIncident: Priority.ROLLBACK,
    TellPromotion: Priority.ROLLBACK,
    TellSource: Priority.ROLLBACK,
    LiftPin: Priority.PROMOTION,
    RevokeDenial: Priority.PROMOTION,
    PlaceTag: Priority.PROMOTION,
    ProposePromotion: Priority.PROMOTION,
    MergePromotion: Priority.PROMOTION,
    WriteInstall: Priority.PROMOTION,
    PublishGates: Priority.STATUS,
    WriteCommitStatus: Priority.STATUS,
    WriteDeployment: Priority.STATUS,
    React: Priority.STATUS,
    Reply: Priority.STATUS,
    WriteSticky: Priority.COSMETICS,
    ClosePromotion: Priority.COSMETICS,
}
"""How urgent each is when GitLab's rate limit is short."""

OutcomeWord = Literal["done", "unchanged", "nothing", "would", "held", "waiting"]
REMEMBERED = (PublishGates, WriteSticky, WriteCommitStatus, WriteDeployment, React, Reply)
"""Written once for each content: what was written last is known and need not be read again."""
BEST_EFFORT = (OpenIncident, TellPromotion, TellSource, React, Reply)
"""They only tell what was done: one that a person must mend (issues switched off, no right) stops nothing else."""
UNTOUCHED = Done(external_id="", wrote=False)
MERGES = (MergePromotion, MergeRollback, RevokeDenial, WriteInstall)
"""They merge into the default branch, or may have to: one after another."""
SEEN_BY_APPLICATION = (WriteCommitStatus, WriteDeployment, TellSource)
"""Written to an application's project, under the token that may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a decision: the natural keys written outside, and what the journal keeps with the run."""

    word: OutcomeWord
    effects: tuple[str, ...]
    records: tuple[Inside, ...]


class Executor:
    """Carries decisions out, one action after the other, in their order."""

    def __init__(
        self,
        *,
        name: str,
        journal: Journal,
        tenants: Tenants,
        apis: Apis,
        truths: Mapping[str, GitTruth],
        clock: Clock,
        public_url: str,
        lease: timedelta,
    ) -> None:
        self.name = name
        self.journal = journal
        self.tenants = tenants
        self.apis = apis
        self.truths = truths
        self.clock = clock
        self.public_url = public_url
        self.queue = MergeQueue(journal, name)
        # A lease is renewed when a third of it is gone: what is left must outlast the longest write.
        self.write_takes = min(WRITE_TAKES, lease * 0.4)

    async def perform(self, claim: Claim, decision: Decision, now: datetime) -> Outcome:
        """Make every action so, in order. Raises what the first failing effect raises; those before it stay done.

        What is recorded before an effect is kept before it is made: a crash in between must not forget, say, that the
        promotion was ready when its merge request was opened.
        """
        written: list[str] = []
        records: list[Inside] = []
        for action in decision.actions:
            if not isinstance(action, Outside):
                records.append(action)
                continue
            if records:
                await self.journal.keep(claim, records)
                records = []
            if await self.ensure(claim, action, now):
                written.append(action.effect_key)
        return Outcome(word=word_of(decision, written), effects=tuple(written), records=tuple(records))

    async def ensure(self, claim: Claim, action: Outside, now: datetime) -> bool:
        """One effect: True when something was written outside."""
        with effect(action, self._project(action)) as span:
            done = await self._ensure(claim, action, now)
            made(span, action, wrote=done.wrote, external_id=done.external_id)
        return done.wrote

    async def _ensure(self, claim: Claim, action: Outside, now: datetime) -> Done:
        await self._may_act(action)
        wanted = digest(action)
        known = await self.journal.effect(action.effect_key)
        if isinstance(action, REMEMBERED) and known and known.done_at and known.desired_sha == wanted:
            return UNTOUCHED

        async def about_to_write() -> None:
            await self.journal.intend(claim, action.effect_key, wanted, expect_of(action), self.write_takes)

        await about_to_write()
        done = await self._attempt(claim, action, about_to_write, now, (known.external_id if known else None) or "")
        if done is None:
            return UNTOUCHED
        await self.journal.effected(claim, action.effect_key, done.external_id)
        log.info("made so" if done.wrote else "was so", effect=action.effect_key, because=action.because)
        return done

    async def _attempt(
        self, claim: Claim, action: Outside, about_to_write: AboutToWrite, now: datetime, known_id: str
    ) -> Done | None:
        """None when it was refused and nothing depends on it; it is then logged, and tried again when decided anew."""
        try:
            return await self._make_so(claim, action, about_to_write, now, known_id)
        except PermanentError as error:
            if isinstance(action, RollBack):
                await self._leave_to_a_person(claim, action, error, now)
            if not isinstance(error, ThreadQuiet) and not isinstance(action, BEST_EFFORT):
                raise
            log.warning("not told", effect=action.effect_key, action=type(action).__name__, because=str(error))
            return None

    async def _leave_to_a_person(self, claim: Claim, action: RollBack, error: PermanentError, now: datetime) -> None:
        """The key is buried with the error and nothing looks again: a person is paged, and who asked is answered."""
        await self.ensure(claim, page(action, error, self.tenants.policy(action.key.tenant)), now)
        asked = await self.journal.requests(action.key)
        await self.journal.keep(claim, refusals(action, error, asked))

    async def _may_act(self, action: Outside) -> None:
        """The rules ask this too; here it holds whatever a rule may have forgotten (design section 3)."""
        if isinstance(action, WriteInstall):
            return
        known = await self.journal.tenant(action.key.tenant)
        if known is None or known.install != self.journal.installation_id:
            raise PermanentError(
                f"nothing is written for {action.key.tenant}: its config repository does not name this installation. "
                "Run `sluice adopt` if this one is to act."
            )

    async def _make_so(
        self, claim: Claim, action: Outside, about_to_write: AboutToWrite, now: datetime, known_id: str
    ) -> Done:
        """Merges into one branch go through one queue, rollbacks first; everything else goes at once."""
        tenant = self._tenant(action)
        async with AsyncExitStack() as stack:
            if isinstance(action, MERGES):
                await stack.enter_async_context(self.queue.turn(tenant, first=isinstance(action, MergeRollback)))
            return await make(action, self.hands(claim, action, tenant, about_to_write, now, known_id))

    def _tenant(self, action: Outside) -> Tenant:
        tenant = self.tenants.get(action.key.tenant)
        if tenant is None:
            raise PermanentError(
                f"the tenant {action.key.tenant} is no longer configured: nothing is written for it. "
                "Configure it again, or let its applications go."
            )
        return tenant

    def _project(self, action: Outside) -> str:
        """Where it is written: the application's project, else the config repository."""
        tenant = self.tenants.get(action.key.tenant)
        return getattr(action, "project", "") or (tenant.config_project if tenant else "")

    def hands(
        self, claim: Claim, action: Outside, tenant: Tenant, about_to_write: AboutToWrite, now: datetime, known_id: str
    ) -> Hands:
        """The tenant's world for one action, with a deadline shorter than what is left of the lease."""
        deadline = self.clock.now() + self.write_takes
        api = self.apis.status if of_application(action, tenant) else self.apis.write
        return Hands(
            tenant=tenant,
            policy=self.tenants.policy(tenant.name),
            api=api.bound(priority=PRIORITIES[type(action)], deadline=deadline, before_write=about_to_write),
            git=self.truths[tenant.name],
            mirror=self.truths[tenant.name].mirror,
            about_to_write=about_to_write,
            write_takes=self.write_takes,
            now=now,
            known_id=known_id,
            public_url=self.public_url,
            breaker=Breaker(journal=self.journal, claim=claim, clock=self.clock),
        )


def of_application(action: Outside, tenant: Tenant) -> bool:
    """Whether it is written to an application's project, by the token for those."""
    if isinstance(action, React | Reply):
        return action.place.project.lower() != tenant.config_project.lower()
    return isinstance(action, SEEN_BY_APPLICATION)


def expect_of(action: Outside) -> str:
    """What was seen before deciding, as far as the effect compares it by itself: the head that was judged."""
    match action:
        case MergePromotion(sha=sha) | MergeRollback(sha=sha) | PublishGates(sha=sha):
            return sha
        case _:
            return ""


def word_of(decision: Decision, written: list[str]) -> OutcomeWord:
    """The outcome in one word."""
    if written:
        return "done"
    match decision.kind:
        case "act":
            return "unchanged"
        case "skip":
            return "nothing"
        case "wait":
            return "waiting"
        case "hold":
            return "held"
        case "would":
            return "would"
