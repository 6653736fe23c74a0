"""Act: only here does anything change outside. Each effect is intended under the fence, made so, and noted as done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.acting import adopting, proposing, telling
from bot.acting.hands import AboutToWrite, Done, Hands
from bot.actions import (
    ClosePromotion,
    Decision,
    Inside,
    MergePromotion,
    Outside,
    ProposePromotion,
    PublishGates,
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
from bot.tenants import Tenants
from bot.wiring.clients import Apis

log = structlog.get_logger(__name__)

WRITE_TAKES = timedelta(seconds=20)
"""The longest one outside write may take; less under a lease so short that it would not outlast that."""
MERGE_QUEUE = timedelta(seconds=30)
"""How long one merge may hold the queue of its branch."""

PRIORITIES: Mapping[type[Outside], Priority] = {
    ProposePromotion: Priority.PROMOTION,
    MergePromotion: Priority.PROMOTION,
    WriteInstall: Priority.PROMOTION,
    PublishGates: Priority.STATUS,
    WriteCommitStatus: Priority.STATUS,
    WriteDeployment: Priority.STATUS,
    WriteSticky: Priority.COSMETICS,
    ClosePromotion: Priority.COSMETICS,
}
"""How urgent each is when GitLab's rate limit is short."""

OutcomeWord = Literal["done", "unchanged", "nothing", "would", "held", "waiting"]
REMEMBERED = (PublishGates, WriteSticky, WriteCommitStatus, WriteDeployment)
"""Written once for each content: what was written last is known and need not be read again."""


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
        await self._may_act(action)
        wanted = digest(action)
        known = await self.journal.effect(action.effect_key)
        if isinstance(action, REMEMBERED) and known and known.done_at and known.desired_sha == wanted:
            return False

        async def about_to_write() -> None:
            await self.journal.intend(claim, action.effect_key, wanted, expect_of(action), self.write_takes)

        await about_to_write()
        hands = self.hands(action, about_to_write, now, (known.external_id if known else None) or "")
        done = await self._make_so(action, hands)
        await self.journal.effected(claim, action.effect_key, done.external_id)
        log.info("made so" if done.wrote else "was so", effect=action.effect_key, because=action.because)
        return done.wrote

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

    async def _make_so(self, action: Outside, hands: Hands) -> Done:
        """Merges into one branch go through one queue; everything else goes at once."""
        if not isinstance(action, MergePromotion):
            return await make(action, hands)
        queue = f"merge:{hands.tenant.config_project}:{hands.tenant.branch}"
        async with self.journal.exclusive(queue, self.name, MERGE_QUEUE):
            return await make(action, hands)

    def hands(self, action: Outside, about_to_write: AboutToWrite, now: datetime, known_id: str) -> Hands:
        """The tenant's world for one action, with a deadline shorter than what is left of the lease."""
        name = action.key.tenant
        tenant = self.tenants.get(name)
        if tenant is None:
            raise PermanentError(f"the tenant {name} is no longer configured: nothing is written for it.")
        deadline = self.clock.now() + self.write_takes
        api = self.apis.status if isinstance(action, WriteCommitStatus | WriteDeployment) else self.apis.write
        return Hands(
            tenant=tenant,
            policy=self.tenants.policy(name),
            api=api.bound(priority=PRIORITIES[type(action)], deadline=deadline, before_write=about_to_write),
            git=self.truths[name],
            mirror=self.truths[name].mirror,
            about_to_write=about_to_write,
            now=now,
            known_id=known_id,
            public_url=self.public_url,
        )


async def make(action: Outside, hands: Hands) -> Done:
    """The one effect of each action."""
    match action:
        case ProposePromotion():
            return await proposing.propose(action, hands)
        case MergePromotion():
            return await proposing.merge(action, hands)
        case ClosePromotion():
            return await proposing.close(action, hands)
        case PublishGates():
            return await telling.publish_gates(action, hands)
        case WriteSticky():
            return await telling.write_sticky(action, hands)
        case WriteCommitStatus():
            return await telling.write_commit_status(action, hands)
        case WriteDeployment():
            return await telling.write_deployment(action, hands)
        case WriteInstall():
            return await adopting.write_install(action, hands)


def expect_of(action: Outside) -> str:
    """What was seen before deciding, as far as the effect compares it by itself: the head that was judged."""
    match action:
        case MergePromotion(sha=sha) | PublishGates(sha=sha):
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
