"""Promotion: a release that proved itself before gets one merge request into the next environment, and its merge."""

from dataclasses import replace
from datetime import datetime

from bot.actions import ClosePromotion, Decision, RecordPromotion, SettleRequest, act, skip
from bot.events import EnvironmentKey
from bot.observing import Rule
from config.policy import EnvironmentPolicy, Policy
from handlers.asked import answers, joined, settle
from handlers.choosing import may_follow, turned_away
from handlers.landing import promote, superseded
from handlers.modes import muted
from handlers.ordered import LOOK_AGAIN, carry_out
from handlers.promotion_facts import PromotionFacts, ground, observe
from handlers.undone import went_back


def decide(facts: PromotionFacts, policy: Policy, now: datetime) -> Decision:
    """Take the next step, and answer the requests that are at their end."""
    if refused := closed_by_a_person(facts, now):
        return refused
    environment = policy.environment(facts.key.application, facts.key.environment)
    if ordered := carry_out(facts, environment, now):
        return ordered
    decision = next_step(facts, environment, policy, now)
    answered = {action.request.id for action in decision.actions if isinstance(action, SettleRequest)}
    more = [
        one for one in answers(facts.requests, facts.named, ground(facts, policy)) if one.request.id not in answered
    ]
    if not more:
        return decision
    return replace(decision, actions=(*decision.actions, *more), look_again=decision.look_again or LOOK_AGAIN)


def next_step(facts: PromotionFacts, environment: EnvironmentPolicy, policy: Policy, now: datetime) -> Decision:
    """Open, update, merge or close the one merge request of this environment, or say what is waited for."""
    if environment.delivery == "observe":
        return skip(because=f"{facts.key.environment} follows the build tag itself: nothing is promoted into it")
    if not facts.seen.agrees:
        return hold_what_was_written(facts)
    if facts.target is None:
        return nothing_to_promote(facts, environment, now)
    return promote(facts, facts.target, policy, now)


def closed_by_a_person(facts: PromotionFacts, now: datetime) -> Decision | None:
    """A person's no is an answer: the release is not proposed again until somebody asks."""
    request, promotion = facts.merge_request, facts.under_way
    if request is None or promotion is None or request.iid != promotion.merge_request:
        return None
    if request.state != "closed" or request.closed_by_bot:
        return None
    because = f"!{request.iid} was closed by a person: {promotion.release.name} is not asked for again by itself"
    record = replace(promotion, state="declined", because=because, updated_at=now)
    asked = settle(joined(facts.requests, promotion.release), ("refused", "declined", because))
    return skip(RecordPromotion(promotion=record), *asked, because=because)


def hold_what_was_written(facts: PromotionFacts) -> Decision:
    """A version a person wrote into Git is respected (design section 5)."""
    declared = facts.seen.declared.name if facts.seen.declared else "nothing"
    written = ", ".join(facts.seen.written)
    because = (
        f"{facts.key.environment} holds: its manifests say {written}, its release file says {declared}; "
        "a person or image automation wrote one of them, so make them agree to go on"
    )
    return Decision(kind="hold", because=because)


def nothing_to_promote(facts: PromotionFacts, environment: EnvironmentPolicy, now: datetime) -> Decision:
    """Git already says the newest there is; a merge request left over is closed."""
    because, request = why_nothing(facts), facts.open_request
    if request is None or not request.ours or muted(environment, facts.installation):
        return skip(*superseded(facts, None, because, now), because=because)
    declared = facts.seen.declared.name if facts.seen.declared else "nothing"
    closing = f"superseded: {facts.key.environment} already has {declared} in Git"
    close = ClosePromotion(key=facts.key, merge_request=request.iid, because=closing, instead=None)
    return act(close, *superseded(facts, None, closing, now), because=f"{because}, so !{request.iid} is closed")


def why_nothing(facts: PromotionFacts) -> str:
    """The newest is in Git, or the newer ones were turned away."""
    declared = facts.seen.declared
    barred = turned_away(facts.key, facts.promotions, facts.merge_request)
    here = [p for p in facts.promotions if p.key == facts.key]
    newer = [p for p in here if p.release.id in barred and may_follow(p.release, declared)]
    if declared is not None and newer:
        return f"{newer[0].release.name} is not brought again by itself: {newer[0].because}"
    if facts.seen.pin is not None and went_back(facts.seen):
        return f"{facts.key.environment} stays at {facts.seen.pin.release.name}: {facts.seen.pin.because}"
    return f"no release is newer than {declared.name}" if declared else "no release is known yet"


RULE = Rule(name="promotion", about=EnvironmentKey, facts=PromotionFacts, observe=observe, decide=decide)
