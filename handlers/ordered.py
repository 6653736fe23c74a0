"""What people order about a promotion beside asking for one: reject it, cancel a request, or try again what ended."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.actions import (
    Action,
    ClosePromotion,
    Decision,
    RecordPromotion,
    RevokeApprovals,
    act,
    skip,
)
from bot.observing import EnvironmentSeen, Promotion, PromotionState, Request
from config.policy import EnvironmentPolicy
from handlers.asked import Answer, is_meant, settle
from handlers.choosing import may_follow
from handlers.modes import muted
from handlers.promotion_facts import PromotionFacts

ENDED: frozenset[PromotionState] = frozenset({"failed", "declined", "withdrawn", "rolled_back"})
"""What may be tried again."""
LOOK_AGAIN = timedelta(seconds=1)
"""What an order leaves behind is decided anew at once."""


def carry_out(facts: PromotionFacts, environment: EnvironmentPolicy, now: datetime) -> Decision | None:
    """The first order that waits, carried out or answered; None when nobody ordered anything."""
    order = next((one for one in facts.requests if one.kind in ("reject", "cancel", "retry")), None)
    if order is None:
        return None
    decision = retried(facts, order, now) if order.kind == "retry" else stopped(facts, order, environment, now)
    return replace(decision, look_again=LOOK_AGAIN)


def stopped(facts: PromotionFacts, order: Request, environment: EnvironmentPolicy, now: datetime) -> Decision:
    """A rejected or cancelled promotion ends with its merge request, its approvals, and every request for it."""
    promotion = facts.under_way if facts.under_way and ordered_about(facts.under_way, order) else None
    asked = asked_for(facts, order, promotion)
    if promotion is None and (order.kind == "reject" or not asked):
        return skip(*settle([order], too_late(facts, order)), because=f"{order.principal} has nothing to {order.kind}")
    because = sentence(order, promotion)
    ended: tuple[Action, ...] = () if promotion is None else end(facts, order, promotion, environment, now)
    answer: Answer = ("refused", "declined" if order.kind == "reject" else "cancelled", because)
    return act(*ended, *settle(asked, answer), *settle([order], ("done", "ok", because)), because=because)


def ordered_about(promotion: Promotion, order: Request) -> bool:
    """Whether an order is about a promotion; one that names no release is about whatever waits."""
    return not (order.release_id or order.version) or is_meant(promotion.release, order)


def asked_for(facts: PromotionFacts, order: Request, promotion: Promotion | None) -> list[Request]:
    """The requests to promote that an order ends: a rejection, those of the release; else what was asked before."""
    earlier = [one for one in facts.requests if one.kind == "promote" and one.at <= order.at]
    if order.kind == "reject":
        return [one for one in earlier if promotion is not None and is_meant(promotion.release, one)]
    return earlier


def sentence(order: Request, promotion: Promotion | None) -> str:
    """What happened, for whoever looks later."""
    what = promotion.release.name if promotion else order.version or "the promotion"
    done = "rejected" if order.kind == "reject" else "cancelled"
    return f"{order.principal} {done} {what} for {order.key.environment}" + (
        f": {order.because}" if order.because else ""
    )


def end(
    facts: PromotionFacts, order: Request, promotion: Promotion, environment: EnvironmentPolicy, now: datetime
) -> tuple[Action, ...]:
    """The merge request is closed first: who sees the record must not find it open."""
    because, request = sentence(order, promotion), facts.open_request
    state: PromotionState = "declined" if order.kind == "reject" else "withdrawn"
    record = replace(promotion, state=state, because=because, updated_at=now)
    records = (
        RecordPromotion(promotion=record),
        RevokeApprovals(key=facts.key, principal="", because=because),
    )
    if request is None or muted(environment, facts.installation):
        return records
    close = ClosePromotion(key=facts.key, merge_request=request.iid, because=because, instead=None)
    return (close, *records)


def too_late(facts: PromotionFacts, order: Request) -> Answer:
    """What it is about does not wait any more."""
    declared, place = facts.seen.declared, facts.key.environment
    if declared is not None and (order.release_id or order.version) and is_meant(declared, order):
        return "refused", "nothing_to_do", f"{declared.name} is merged into {place} already; a rollback takes it back"
    if facts.under_way is not None:
        return (
            "refused",
            "release_changed",
            f"{facts.under_way.release.name} waits for {place} now, which was not meant",
        )
    return "refused", "nothing_to_do", f"nothing waits for {place} any more"


def retried(facts: PromotionFacts, order: Request, now: datetime) -> Decision:
    """What ended badly counts no more, so that the release is brought again by itself."""
    last = next((p for p in facts.promotions if p.key == facts.key and ordered_about(p, order)), None)
    if last is None:
        return skip(*settle([order], too_late(facts, order)), because="there is no such promotion")
    if (no := not_retried(last, facts.seen)) is not None:
        return skip(*settle([order], no), because=no[2])
    record = replace(last, asked_again_at=now)
    because = f"{last.release.name} may come into {facts.key.environment} again: {order.principal} asked to try again"
    return skip(RecordPromotion(promotion=record), *settle([order], ("done", "ok", because)), because=because)


def not_retried(last: Promotion, seen: EnvironmentSeen) -> Answer | None:
    """Why the last promotion of an environment is not tried again; None when it may be."""
    place, declared, name = last.key.environment, seen.declared, last.release.name
    if last.state not in ENDED:
        return "refused", "nothing_to_do", f"the last promotion of {place} ({name}) is {last.state}"
    if denial := seen.denied(last.release):
        return "refused", "never_overridable", f"{name} is denied in {place}: {denial.because}; `allow` lets it in"
    if by_a_person(last):
        return "refused", "never_overridable", f"a person took {name} back in {place}; `allow` lets it in"
    if declared is not None and declared.id == last.release.id:
        return "refused", "nothing_to_do", f"Git declares {name} in {place}, and Flux tries it again by itself"
    if not may_follow(last.release, declared):
        return "refused", "nothing_to_do", f"{name} is not newer than what {place} has; `promote` asks for it"
    return None


def by_a_person(promotion: Promotion) -> bool:
    """Whether a person took the release back, which only `allow` undoes."""
    failure = promotion.failure
    return promotion.state == "rolled_back" and failure is not None and failure.cause == "person"
