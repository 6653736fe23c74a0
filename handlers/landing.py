"""One release on its way into one environment: its gates are judged, and the next step towards the merge is taken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.actions import Action, Decision, Gate, RecordPromotion, act, digest, wait, would
from bot.observing import MergeRequestSeen, Promotion, PromotionState, Release, promotion_id
from config.policy import EnvironmentPolicy, Mode, Policy
from handlers.asked import joined, settle
from handlers.gates import (
    approved,
    branch_untouched,
    healthy_before,
    loses_nothing,
    merge_proof,
    no_freeze,
    no_hold,
    not_denied,
    pin,
    target_settled,
)
from handlers.gates.approved import Ballot
from handlers.modes import mode_of, muted
from handlers.overriding import overridden, remaining, told_of_skips
from handlers.promotion_facts import PromotionFacts
from handlers.proposing import merge, propose
from handlers.showing import publish, show

OPENED_BEFORE = frozenset({approved.NAME, no_freeze.NAME})
"""Gates that only people or time open: the merge request does not wait for them to be opened."""
LOOK_AGAIN = timedelta(seconds=2)
"""GitLab tells nobody when its mergeability check ends (gitlab #339740), so an open merge request is polled."""
LOOK_AGAIN_LATER = timedelta(minutes=1)
"""For waits that only a person or a cluster ends: resync would see them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A target and everything that decides its next step.

    gates: in the order they are shown; the proof is last. debts: what a person passed over, each a sentence.
    """

    facts: PromotionFacts
    target: Release
    environment: EnvironmentPolicy
    gates: tuple[Gate, ...]
    debts: tuple[str, ...] = ()

    @property
    def request(self) -> MergeRequestSeen | None:
        """The open merge request."""
        return self.facts.open_request

    @property
    def mode(self) -> Mode:
        """How far the bot may go here."""
        return mode_of(self.environment, self.facts.installation)

    @property
    def own_gates(self) -> tuple[Gate, ...]:
        """The gates `sluice/gates` speaks for; the proof is GitLab's own pipeline, which our status is part of."""
        return self.gates[:-1]

    @property
    def ready(self) -> bool:
        """Nothing of ours stands against it."""
        return all(gate.verdict == "green" for gate in self.own_gates)

    @property
    def may_open(self) -> bool:
        """Only people or time are missing (design section 5): approvals are given on the open merge request."""
        return all(gate.verdict == "green" or gate.name in OPENED_BEFORE for gate in self.own_gates)

    @property
    def may_merge(self) -> bool:
        """Every gate is green, and the policy leaves the merge to the bot."""
        automatic = self.mode == "act" and self.environment.merge == "automatic"
        return automatic and all(gate.verdict == "green" for gate in self.gates)

    @property
    def because(self) -> str:
        """Where it stands, in a sentence."""
        shut = [gate.because for gate in self.gates if gate.verdict != "green"]
        stands = f"waits: {'; '.join(shut)}" if shut else f"may land{self.waits_for}"
        return "; ".join([f"{self.target.name} {stands}", *self.debts])

    @property
    def waits_for(self) -> str:
        """Who merges it, where that is not the bot."""
        if self.may_merge or self.request is None or self.mode == "observe":
            return ""
        name = self.environment.name
        why = f"the mode of {name} is propose" if self.mode == "propose" else f"{name} merges manually"
        return f": a person merges !{self.request.iid}, because {why}"


def promote(facts: PromotionFacts, target: Release, policy: Policy, now: datetime) -> Decision:
    """Judge the gates and take the next step towards the merge."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    plain = judge(facts, target, policy, now)
    gates = passed_over(facts, plain, environment.after)
    debts = tuple(gate.because for gate, before in zip(gates, plain, strict=True) if gate != before)
    landing = Landing(facts=facts, target=target, environment=environment, gates=gates, debts=debts)
    if merged := just_merged(landing, now):
        return merged
    stale = superseded(facts, target, f"superseded by {target.name}", now)
    records = changed(facts, [*stale, RecordPromotion(promotion=where_it_stands(landing, now))])
    if why := muted(environment, facts.installation):
        return would(*records, because=f"would promote {target.name}, but {why}; {landing.because}", gates=gates)
    return step(landing, records)


def judge(facts: PromotionFacts, target: Release, policy: Policy, now: datetime) -> tuple[Gate, ...]:
    """Every gate, in the order they are shown; the merge proof is last."""
    request, promotions = facts.open_request, facts.promotions
    environment = policy.environment(facts.key.application, facts.key.environment)
    after = remaining(environment.after, facts.pinned)
    return (
        healthy_before.judge(target, after, promotions, environment.soak, now, facts.denied_before),
        not_denied.judge(facts.key, target, facts.seen),
        pin.judge(facts.key, target, facts.seen, promotions),
        no_hold.judge(facts.holds, facts.requests, now),
        no_freeze.judge(facts.freezes, facts.windows, now),
        target_settled.judge(facts.seen),
        loses_nothing.judge(target, facts.seen.declared, facts.comparison),
        approved.judge(ballot(facts, target, policy)),
        branch_untouched.judge(request),
        merge_proof.judge(request, environment.no_pipeline),
    )


def ballot(facts: PromotionFacts, target: Release, policy: Policy) -> Ballot:
    """Who approved it, and who counts."""
    key = facts.key
    return Ballot(
        release_id=target.id,
        change=facts.change,
        given=facts.approvals,
        involved=facts.involved,
        form=policy.environment(key.application, key.environment).approvals,
        rights=policy.grants("approve", key.application, key.environment),
    )


def passed_over(facts: PromotionFacts, gates: tuple[Gate, ...], after: tuple[str, ...]) -> tuple[Gate, ...]:
    """The gates as a person who passes over some of them leaves them; what was measured to be bad stays out."""
    denied = {healthy_before.NAME} if facts.denied_before else set()
    taken_back = {no_hold.NAME} if any(one.kind == "rollback" for one in facts.requests) else set()
    shown = tuple(overridden(gate, facts.pinned, frozenset(denied | taken_back)) for gate in gates)
    return tuple(
        told_of_skips(gate, after, facts.pinned) if gate.name == healthy_before.NAME else gate for gate in shown
    )


def just_merged(landing: Landing, now: datetime) -> Decision | None:
    """GitLab merged it after Git was read: what was ready is merging now, so that a revert ends it (withdrawn)."""
    request, promotion = landing.facts.merge_request, landing.facts.under_way
    if request is None or promotion is None or not brought(promotion, request):
        return None
    because = f"!{request.iid} is merged, Git is being read"
    asked = settle(joined(landing.facts.requests, promotion.release), ("done", "ok", f"!{request.iid} is merged"))
    if promotion.state != "ready":
        return wait(*asked, because=because, look_again=LOOK_AGAIN_LATER)
    record = replace(
        promotion,
        state="merging",
        because=because,
        merge_request=request.iid,
        merged_revision=request.merged_revision,
        updated_at=now,
    )
    return wait(RecordPromotion(promotion=record), *asked, because=because, look_again=LOOK_AGAIN)


def brought(promotion: Promotion, request: MergeRequestSeen) -> bool:
    """Whether a merged request is this promotion's: by its number, or by what it names and when it landed."""
    if request.state != "merged":
        return False
    if promotion.merge_request is not None:
        return promotion.merge_request == request.iid
    landed = request.merged_at is not None and request.merged_at >= promotion.opened_at
    return landed and request.release_id == promotion.release.id


def where_it_stands(landing: Landing, now: datetime) -> Promotion:
    """The promotion's record; the one under way goes on if it is of the same release."""
    known = landing.facts.under_way
    if known is None or known.release.id != landing.target.id:
        known = begin(landing, now)
    iid = landing.request.iid if landing.request else known.merge_request
    state: PromotionState = "ready" if landing.ready else "waiting"
    change = landing.facts.change or (known.change if landing.request is None else "")
    return replace(known, state=state, because=landing.because, merge_request=iid, change=change)


def begin(landing: Landing, now: datetime) -> Promotion:
    """A promotion that was not known yet."""
    key, target = landing.facts.key, landing.target
    attempt = sum(p.key == key and p.release.id == target.id for p in landing.facts.promotions)
    return Promotion(
        id=promotion_id(key, target, attempt),
        key=key,
        release=target,
        state="waiting",
        because=landing.because,
        opened_at=now,
        updated_at=now,
    )


def changed(facts: PromotionFacts, records: Sequence[RecordPromotion]) -> list[RecordPromotion]:
    """Only the records that say something new."""
    return [record for record in records if record.promotion not in facts.promotions]


def superseded(facts: PromotionFacts, target: Release | None, because: str, now: datetime) -> list[RecordPromotion]:
    """Promotions that were waiting here for another release than this and the one Git declares."""
    kept = {release.id for release in (target, facts.seen.declared) if release}
    others = [
        p
        for p in facts.promotions
        if p.key == facts.key and p.state in ("waiting", "ready") and p.release.id not in kept
    ]
    return [RecordPromotion(promotion=replace(p, state="superseded", because=because, updated_at=now)) for p in others]


def step(landing: Landing, records: Sequence[RecordPromotion]) -> Decision:
    """What is missing on GitLab is done; otherwise somebody or some time is waited for."""
    if landing.request is None and not landing.may_open:
        return wait(*records, because=landing.because, look_again=LOOK_AGAIN_LATER, gates=landing.gates)
    steps = next_steps(landing)
    if not steps:
        return wait(*records, because=landing.because, look_again=patience(landing), gates=landing.gates)
    return act(*records, *steps, because=landing.because, look_again=LOOK_AGAIN, gates=landing.gates)


def next_steps(landing: Landing) -> list[Action]:
    """What is missing on GitLab, most urgent last: the merge comes when nothing else is left to write."""
    facts, request = landing.facts, landing.request
    if proposal := propose(facts, landing.target, landing.own_gates):
        return [proposal]
    if request is None or not request.ours or request.proof.verdict == "missing":
        return []
    if steps := unwritten(landing, request):
        return steps
    return [*merge(facts.key, request, landing.target, landing.because)] if landing.may_merge else []


def unwritten(landing: Landing, request: MergeRequestSeen) -> list[Action]:
    """The status and the note that do not say yet what they should; the note waits for the pipeline's end."""
    key, written = landing.facts.key, dict(landing.facts.written)
    status = publish(key, request, landing.own_gates)
    note = show(key, request, landing.target, "ready" if landing.ready else "waiting", landing.gates)
    wanted = (status,) if request.proof.verdict == "running" else (status, note)
    return [effect for effect in wanted if written.get(effect.effect_key) != digest(effect)]


def patience(landing: Landing) -> timedelta:
    """Short while GitLab or CI is about to answer, long while a person is."""
    if landing.request is None or not landing.ready:
        return LOOK_AGAIN_LATER
    proven = landing.gates[-1].verdict == "green"
    return LOOK_AGAIN_LATER if proven and not landing.may_merge else LOOK_AGAIN
