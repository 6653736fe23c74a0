"""Git went back: it is told where the release came from, recorded, and an inconclusive release may try once more."""

from dataclasses import replace
from datetime import datetime

from bot.actions import (
    Decision,
    Inside,
    OpenIncident,
    RecordPromotion,
    SettleRequest,
    TellPromotion,
    TellSource,
    act,
    skip,
    wait,
    would,
)
from bot.observing import Failure, FailureCause, Pin, Promotion, Request
from config.policy import EnvironmentPolicy, Policy
from handlers.hints import allow
from handlers.modes import muted
from handlers.rollback_facts import RollbackFacts
from handlers.undone import left, tries_of, went_back
from handlers.ways import LOOK_AGAIN


def tell(facts: RollbackFacts, policy: Policy, now: datetime) -> Decision | None:
    """What a rollback that landed still needs, once; None when there is none.

    The records come last: they are kept after the effects, so a crash in between tells again under the same keys.
    """
    promotion, pin = left(facts.seen, facts.promotions), facts.seen.pin
    if promotion is None or pin is None:
        return None
    environment = policy.environment(facts.key.application, facts.key.environment)
    failure = promotion.failure or failure_of(pin, facts.requests)
    because = story(facts, pin, failure)
    # A rollback that only restored an earlier one is no failure more: it must not weigh on the brake.
    kept = promotion.failure if failure.cause == "automation" else failure
    ended = replace(promotion, state="rolled_back", because=because, failure=kept, updated_at=now)
    records: list[Inside] = [RecordPromotion(promotion=ended), *settled(facts, pin, because)]
    if why := muted(environment, facts.installation):
        return would(*records, because=f"{because}; nobody is told, because {why}")
    project = policy.applications[facts.key.application].project
    told = effects(ended, pin, failure, environment, project)
    notes = [replace(note, because=outlook(facts, pin, failure)) for note in told]
    return act(*notes, *records, because=because, look_again=LOOK_AGAIN)


def failure_of(pin: Pin, requests: tuple[Request, ...]) -> Failure:
    """Why a release that had not failed was taken back: a person said so, or image automation wrote it again."""
    asked = next((one for one in requests if one.kind == "rollback" and one.at == pin.since), None)
    because = f"{asked.principal} asked for it, {asked.because}" if asked else pin.because
    cause: FailureCause = "automation" if asked is None and pin.by == "sluice" else "person"
    return Failure(kind=pin.failure, cause=cause, evidence="pin", because=because, at=pin.since)


def story(facts: RollbackFacts, pin: Pin, failure: Failure) -> str:
    """What happened, what stands now, and what helps."""
    bad, place = pin.instead_of.name, facts.key.environment
    happened = f"{bad} was taken back in {place}, which is at {pin.release.name} again: {failure.because}"
    return f"{happened}; {outlook(facts, pin, failure, who=allow(facts.key, bad))}"


def outlook(facts: RollbackFacts, pin: Pin, failure: Failure, *, who: str = "a person") -> str:
    """Whether the release may come again; who lets it, in the words of a sentence."""
    bad = pin.instead_of.name
    if facts.seen.denied(pin.instead_of):
        return f"{bad} is denied, and stays out until a newer release comes or {who} lets it in"
    if failure.kind == "no-data":
        return f"{bad} is inconclusive, because nothing could be measured; {who} lets it try again"
    return f"{bad} does not come back by itself; {who} lets it try again"


def settled(facts: RollbackFacts, pin: Pin, because: str) -> list[SettleRequest]:
    """The requests that this rollback answers."""
    names = ("", pin.instead_of.version, pin.instead_of.name)
    answered = [r for r in facts.requests if r.kind == "rollback" and r.version in names]
    return [SettleRequest(request=request, outcome="done", because=because) for request in answered]


def effects(
    promotion: Promotion, pin: Pin, failure: Failure, environment: EnvironmentPolicy, project: str
) -> list[OpenIncident | TellPromotion | TellSource]:
    """The incident, and a note wherever the release came from."""
    incident = OpenIncident(
        key=promotion.key,
        release=promotion.release,
        back_to=pin.release,
        failure=failure,
        taken_back=True,
        people=environment.rollback.people,
        merge_request=promotion.merge_request,
        because=promotion.because,
    )
    told: list[OpenIncident | TellPromotion | TellSource] = [incident]
    if promotion.merge_request is not None:
        told.append(
            TellPromotion(
                key=promotion.key,
                merge_request=promotion.merge_request,
                release=promotion.release,
                back_to=pin.release,
                failure=failure,
                because=promotion.because,
            )
        )
    if promotion.release.commit:
        told.append(
            TellSource(
                key=promotion.key,
                project=project,
                release=promotion.release,
                back_to=pin.release,
                failure=failure,
                because=promotion.because,
            )
        )
    return told


def try_again(facts: RollbackFacts, environment: EnvironmentPolicy, now: datetime) -> Decision | None:
    """An inconclusive release may come once more by itself, after the policy's time; None when there is none."""
    promotion, after = inconclusive(facts), environment.rollback.retry_after
    if promotion is None or not after:
        return None
    due = promotion.updated_at + after
    if now < due:
        because = f"{promotion.release.name} is inconclusive and may try again at {due:%Y-%m-%d %H:%M:%S} UTC"
        return wait(because=because, look_again=due - now)
    because = f"{promotion.release.name} was inconclusive and may try once more in {facts.key.environment}"
    return skip(RecordPromotion(promotion=replace(promotion, asked_again_at=now)), because=because)


def inconclusive(facts: RollbackFacts) -> Promotion | None:
    """The release taken back for want of measurements, by us, not denied, and never let try again before."""
    pin = facts.seen.pin
    if pin is None or pin.by != "sluice" or not went_back(facts.seen) or facts.seen.denied(pin.instead_of):
        return None
    tries = [p for p in tries_of(pin.instead_of, facts.key, facts.promotions) if p.state == "rolled_back"]
    if any(p.asked_again_at for p in tries):
        return None
    # What image automation wrote over the rollback was restored without a failure of its own.
    latest = next((promotion for promotion in tries if promotion.failure is not None), None)
    return latest if latest is not None and latest.failure and latest.failure.kind == "no-data" else None
