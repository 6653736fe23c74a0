"""A person allows a release again: its denial leaves Git, and what it ended with no longer speaks against it."""

from dataclasses import replace
from datetime import datetime

from bot.actions import Decision, RecordPromotion, SettleRequest, act, skip
from bot.observing import Promotion, PromotionState, Request
from config.policy import EnvironmentPolicy
from handlers.modes import muted
from handlers.rollback_facts import RollbackFacts, revoke
from handlers.undone import still_counts, tries_of
from handlers.ways import LOOK_AGAIN

ENDED_BADLY: frozenset[PromotionState] = frozenset({"rolled_back", "failed", "denied", "declined", "withdrawn"})


def allow(facts: RollbackFacts, environment: EnvironmentPolicy, now: datetime) -> Decision | None:
    """The next step of the first request to allow a release; None when nobody asked."""
    request = facts.asked("allow")
    if request is None:
        return None
    if why := muted(environment, facts.installation):
        return refuse(request, f"{request.version} is not allowed in {facts.key.environment} by Sluice, because {why}")
    if any(denial.version == request.version for denial in facts.seen.denials):
        return revoke_denial(facts, environment, request)
    return settle(facts, request, now)


def revoke_denial(facts: RollbackFacts, environment: EnvironmentPolicy, request: Request) -> Decision:
    """The denial leaves Git by the way that is open; its merge request is merged at once, for a person asked for it."""
    if environment.mode != "act":
        place = f".sluice/denials/{facts.key.environment}/{facts.key.application}.yaml"
        because = f"{facts.key.environment} only proposes: merge the removal of {request.version} from {place} yourself"
        return refuse(request, f"{because}, then allow it again")
    change = revoke(request, request.version)
    if not (facts.rights and facts.rights.may_push):
        change = replace(change, way="merge_request")
    return act(change, because=change.because, look_again=LOOK_AGAIN)


def settle(facts: RollbackFacts, request: Request, now: datetime) -> Decision:
    """Nothing in Git speaks against it, so the journal does not either."""
    ended = ended_badly(facts, request.version)
    place, principal = facts.key.environment, request.principal
    if ended is None and not facts.written_under(revoke(request, request.version).effect_key):
        return refuse(request, f"{request.version} neither is denied in {place} nor ended badly there")
    because = f"{principal} allowed {request.version} in {place}: it may be promoted again"
    records = [RecordPromotion(promotion=replace(ended, asked_again_at=now))] if ended else []
    return skip(*records, SettleRequest(request=request, outcome="done", because=because), because=because)


def ended_badly(facts: RollbackFacts, version: str) -> Promotion | None:
    """The promotion of that version that was taken back and not allowed since, else its newest if that ended badly."""
    named = next((p.release for p in facts.promotions if version in (p.release.version, p.release.name)), None)
    tries = tuple(tries_of(named, facts.key, facts.promotions)) if named else ()
    left = (p for p in tries if p.state == "rolled_back")
    counts = (p for p in left if still_counts(p.updated_at, p.release, facts.key, facts.promotions))
    return next(counts, None) or next((p for p in tries[:1] if p.state in ENDED_BADLY), None)


def refuse(request: Request, because: str) -> Decision:
    """The answer to a person."""
    return skip(SettleRequest(request=request, outcome="refused", because=because), because=because)
