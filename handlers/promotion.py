"""Promotion: a release that proved itself before gets one merge request into the next environment, and its merge."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.actions import Action, ClosePromotion, Decision, Gate, RecordPromotion, act, digest, skip, wait, would
from bot.events import EnvironmentKey
from bot.observing import (
    Comparison,
    EnvironmentSeen,
    Installation,
    MergeRequestSeen,
    Observer,
    Promotion,
    PromotionState,
    Release,
    Rule,
    promotion_id,
)
from config.policy import EnvironmentPolicy, Policy
from handlers.choosing import choose
from handlers.gates import branch_untouched, healthy_before, loses_nothing, merge_proof, target_settled
from handlers.proposing import merge, propose, publish, show

LOOK_AGAIN = timedelta(seconds=2)
"""GitLab tells nobody when its mergeability check ends (gitlab #339740), so an open merge request is polled."""
LOOK_AGAIN_LATER = timedelta(minutes=1)
"""For waits that only a person or a cluster ends: resync would see them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFacts:
    """An environment, what could be promoted into it, and the merge request that is or was open.

    promotions: all environments of the application, newest first. target: what `choose` found.
    written: effect key → digest of what was last written under it.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    target: Release | None
    comparison: Comparison | None
    merge_request: MergeRequestSeen | None
    written: tuple[tuple[str, str], ...] = ()


async def observe(key: EnvironmentKey, observer: Observer) -> PromotionFacts:
    """Read Git, the journal and the merge request; compare commits only when there is something to promote."""
    promotions = await observer.promotions(key.owner)
    seen = await observer.environment(key)
    target = choose(
        seen,
        await observer.releases(key.owner),
        promotions,
        observer.policy.before(key.application, key.environment),
        declined(key, promotions),
    )
    merge_request = await observer.merge_request(key, last_merge_request(key, promotions))
    facts = PromotionFacts(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=seen,
        promotions=promotions,
        target=target,
        comparison=await observer.comparison(key.owner, seen.declared, target) if target else None,
        merge_request=merge_request,
    )
    return replace(facts, written=await what_was_written(facts, observer))


async def what_was_written(facts: PromotionFacts, observer: Observer) -> tuple[tuple[str, str], ...]:
    """The digests under the keys of the open merge request's status and note."""
    if facts.target is None or facts.merge_request is None:
        return ()
    effects = (publish(facts.key, facts.merge_request, ()), show(facts.key, facts.merge_request, facts.target, "", ()))
    return tuple([(effect.effect_key, await observer.written(effect.effect_key)) for effect in effects])


def declined(key: EnvironmentKey, promotions: tuple[Promotion, ...]) -> frozenset[str]:
    """Releases a person refused here by closing their merge request."""
    return frozenset(p.release.id for p in promotions if p.key == key and p.state == "declined")


def last_merge_request(key: EnvironmentKey, promotions: tuple[Promotion, ...]) -> int | None:
    """The merge request of the promotion under way, or of one whose landing was not read yet."""
    mine = (p for p in promotions if p.key == key and p.merge_request is not None)
    newest = next(mine, None)
    if newest is None or newest.merged_revision or newest.state in ("superseded", "declined"):
        return None
    return newest.merge_request


def decide(facts: PromotionFacts, policy: Policy, now: datetime) -> Decision:
    """Open, update, merge or close the one merge request of this environment, or say what is waited for."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    if environment.delivery == "observe":
        return skip(because=f"{facts.key.environment} follows the build tag itself: nothing is promoted into it")
    if refused := closed_by_a_person(facts, now):
        return refused
    if landed := merged_by_us(facts, now):
        return landed
    if not facts.seen.agrees:
        return hold_what_was_written(facts)
    if facts.target is None:
        return nothing_to_promote(facts, now)
    mode = environment.mode if facts.installation.adopted else "observe"
    return promote(replace(facts), facts.target, environment, mode, policy, now)


def closed_by_a_person(facts: PromotionFacts, now: datetime) -> Decision | None:
    """A person's no is an answer: the release is not proposed again until somebody asks."""
    request = facts.merge_request
    promotion = under_way(facts)
    if request is None or promotion is None or request.iid != promotion.merge_request:
        return None
    if request.state != "closed" or request.closed_by_bot:
        return None
    because = f"!{request.iid} was closed by a person: {promotion.release.name} is not asked for again by itself"
    record = replace(promotion, state="declined", because=because, updated_at=now)
    return skip(RecordPromotion(promotion=record), because=because)


def merged_by_us(facts: PromotionFacts, now: datetime) -> Decision | None:
    """The merge request landed: which commit brought it is kept, and Git is read until it shows it."""
    request = facts.merge_request
    promotion = next((p for p in facts.promotions if request and is_of(p, facts.key, request)), None)
    if request is None or promotion is None or request.state != "merged" or promotion.merged_revision:
        return None
    because = f"!{request.iid} landed {promotion.release.name} as {request.merged_revision[:8]}"
    record = replace(promotion, merged_revision=request.merged_revision, updated_at=now)
    return wait(RecordPromotion(promotion=record), because=because, look_again=LOOK_AGAIN)


def is_of(promotion: Promotion, key: EnvironmentKey, request: MergeRequestSeen) -> bool:
    """Whether the merge request brings this promotion."""
    return promotion.key == key and promotion.merge_request == request.iid


def under_way(facts: PromotionFacts) -> Promotion | None:
    """The promotion that is waiting or ready here."""
    return next((p for p in facts.promotions if p.key == facts.key and p.state in ("waiting", "ready")), None)


def hold_what_was_written(facts: PromotionFacts) -> Decision:
    """A version a person wrote into Git is respected (design section 5)."""
    declared = facts.seen.declared.name if facts.seen.declared else "nothing"
    written = ", ".join(facts.seen.written)
    because = (
        f"{facts.key.environment} holds: its manifests say {written}, its release file says {declared}; "
        "a person wrote one of them, so make them agree to go on"
    )
    return Decision(kind="hold", because=because)


def nothing_to_promote(facts: PromotionFacts, now: datetime) -> Decision:
    """Git already says the newest there is; a merge request left over is closed."""
    declared = facts.seen.declared
    because = f"no release is newer than {declared.name}" if declared else "no release is known yet"
    leftover = facts.merge_request
    if leftover is None or leftover.state != "opened" or not leftover.ours or not facts.installation.adopted:
        return skip(*superseded(facts, None, because, now), because=because)
    closing = f"superseded: {facts.key.environment} already has {declared.name if declared else 'nothing'} in Git"
    close = ClosePromotion(key=facts.key, merge_request=leftover.iid, because=closing, instead=None)
    return act(close, *superseded(facts, None, closing, now), because=f"{because}, so !{leftover.iid} is closed")


def promote(
    facts: PromotionFacts, target: Release, environment: EnvironmentPolicy, mode: str, policy: Policy, now: datetime
) -> Decision:
    """Judge the gates and take the next step towards the merge."""
    request = facts.merge_request if facts.merge_request and facts.merge_request.state == "opened" else None
    gates = judge(facts, target, request, environment, policy, now)
    promotion, because = where_it_stands(facts, target, request, gates, now)
    records = [*superseded(facts, target, f"superseded by {target.name}", now), RecordPromotion(promotion=promotion)]
    if mode == "observe":
        why = "its mode is observe" if facts.installation.adopted else facts.installation.because
        return would(
            *changed(facts, records), because=f"would promote {target.name}, but {why}; {because}", gates=gates
        )
    if request is None and not may_open(gates):
        return wait(*changed(facts, records), because=because, look_again=LOOK_AGAIN_LATER, gates=gates)
    steps = next_steps(facts, target, request, gates, environment, mode, because)
    kept: list[Action] = [*changed(facts, records), *steps]
    if not steps:
        return wait(*kept, because=because, look_again=patience(request, gates, environment, mode), gates=gates)
    return act(*kept, because=because, look_again=LOOK_AGAIN, gates=gates)


def judge(
    facts: PromotionFacts,
    target: Release,
    request: MergeRequestSeen | None,
    environment: EnvironmentPolicy,
    policy: Policy,
    now: datetime,
) -> tuple[Gate, ...]:
    """Every gate, in the order they are shown; the merge proof is last."""
    before = policy.before(facts.key.application, facts.key.environment)
    return (
        healthy_before.judge(target, before, facts.promotions, environment.soak, now),
        target_settled.judge(facts.seen),
        loses_nothing.judge(target, facts.seen.declared, facts.comparison),
        branch_untouched.judge(request),
        merge_proof.judge(request, environment.no_pipeline),
    )


def without_proof(gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    """The gates `sluice/gates` speaks for; the proof is GitLab's own pipeline, which our status is part of."""
    return gates[:-1]


def may_open(gates: tuple[Gate, ...]) -> bool:
    """Only people or time are missing (design section 5)."""
    return all(gate.verdict == "green" for gate in without_proof(gates))


def where_it_stands(
    facts: PromotionFacts, target: Release, request: MergeRequestSeen | None, gates: tuple[Gate, ...], now: datetime
) -> tuple[Promotion, str]:
    """The promotion's record and its sentence."""
    shut = [gate for gate in gates if gate.verdict != "green"]
    state: PromotionState = "ready" if may_open(gates) else "waiting"
    because = f"{target.name} waits: {'; '.join(gate.because for gate in shut)}" if shut else f"{target.name} may land"
    known = under_way(facts)
    if known is None or known.release.id != target.id:
        attempt = sum(p.key == facts.key and p.release.id == target.id for p in facts.promotions)
        known = Promotion(
            id=promotion_id(facts.key, target, attempt),
            key=facts.key,
            release=target,
            state=state,
            because=because,
            opened_at=now,
            updated_at=now,
        )
    iid = request.iid if request else known.merge_request
    return replace(known, state=state, because=because, merge_request=iid), because


def changed(facts: PromotionFacts, records: list[RecordPromotion]) -> list[RecordPromotion]:
    """Only the records that say something new."""
    return [record for record in records if record.promotion not in facts.promotions]


def superseded(facts: PromotionFacts, target: Release | None, because: str, now: datetime) -> list[RecordPromotion]:
    """Promotions that were waiting here for another release."""
    others = [
        p
        for p in facts.promotions
        if p.key == facts.key
        and p.state in ("waiting", "ready")
        and (target is None or p.release.id != target.id)
        and (facts.seen.declared is None or p.release.id != facts.seen.declared.id)
    ]
    return [RecordPromotion(promotion=replace(p, state="superseded", because=because, updated_at=now)) for p in others]


def next_steps(
    facts: PromotionFacts,
    target: Release,
    request: MergeRequestSeen | None,
    gates: tuple[Gate, ...],
    environment: EnvironmentPolicy,
    mode: str,
    because: str,
) -> list[Action]:
    """What is missing on GitLab, most urgent last: the merge comes when nothing else is left to write."""
    if proposal := propose(facts.key, target, facts.seen.declared, request, facts.comparison, without_proof(gates)):
        return [proposal]
    if request is None or not request.ours or request.proof.verdict == "missing":
        return []
    written = dict(facts.written)
    status = publish(facts.key, request, without_proof(gates))
    note = show(facts.key, request, target, "ready" if may_open(gates) else "waiting", gates)
    steps: list[Action] = [effect for effect in (status,) if written.get(effect.effect_key) != digest(effect)]
    if request.proof.verdict != "running" and written.get(note.effect_key) != digest(note):
        steps.append(note)
    automatic = mode == "act" and environment.merge == "automatic"
    if not steps and automatic and all(gate.verdict == "green" for gate in gates):
        return [*merge(facts.key, request, target, because)]
    return steps


def patience(
    request: MergeRequestSeen | None, gates: tuple[Gate, ...], environment: EnvironmentPolicy, mode: str
) -> timedelta:
    """Short while GitLab or CI is about to answer, long while a person is."""
    if request is None or not may_open(gates):
        return LOOK_AGAIN_LATER
    proven = gates[-1].verdict == "green"
    person = proven and (environment.merge == "manual" or mode != "act")
    return LOOK_AGAIN_LATER if person else LOOK_AGAIN


RULE = Rule(name="promotion", about=EnvironmentKey, facts=PromotionFacts, observe=observe, decide=decide)
