"""What Git declares is followed into the clusters: merging, applied, done or failed, and how each cluster is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.actions import Action, Decision, RecordPromotion, WriteSticky, act, skip, wait
from bot.events import EnvironmentKey
from bot.observing import Promotion, Release, Rule, compare_versions
from config.policy import EnvironmentPolicy, Policy
from handlers.advancing import advance
from handlers.beginning import begin
from handlers.cluster_states import clusters_changed
from handlers.intruding import intruder, intrusion
from handlers.modes import muted
from handlers.rollout_facts import ENDED, OPEN, RolloutFacts
from handlers.rollout_facts import observe as observe

LOOK_AGAIN = timedelta(seconds=20)
"""A roll-out is also polled, because Flux's events may be lost (failures F2, F3)."""
WHILE_AWAY = timedelta(minutes=1)
"""An environment with a cluster whose API is away is also polled: nobody tells when it answers again."""


def decide(facts: RolloutFacts, policy: Policy, now: datetime) -> Decision:
    """Follow the declared release, and look again soon while a cluster is away."""
    decision = follow(facts, policy, now)
    if decision.look_again is None and any(cluster.away for cluster in facts.seen.clusters):
        return replace(decision, look_again=WHILE_AWAY)
    return decision


def follow(facts: RolloutFacts, policy: Policy, now: datetime) -> Decision:
    """Bring the promotion of the declared release to where the clusters say it is."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    records = clusters_changed(facts.key, facts.seen, facts.states, now)
    if facts.seen.declared is None:
        return skip(*records, because="Git declares no release here")
    actions: list[Action] = [*records, *overtaken(facts, facts.seen.declared, now)]
    afters: list[Promotion] = []
    for before, after in moves(facts, facts.seen.declared, environment, now):
        afters.append(after)
        if after != before:
            actions += [RecordPromotion(promotion=after), *tell(before, after, facts, environment)]
    because = "; ".join(after.because for after in afters)
    if any(after.healthy_at is None and after.state != "failed" for after in afters):
        return wait(*actions, because=because, look_again=LOOK_AGAIN)
    return act(*actions, because=because) if actions else skip(because=because)


def moves(
    facts: RolloutFacts, release: Release, environment: EnvironmentPolicy, now: datetime
) -> Iterator[tuple[Promotion | None, Promotion]]:
    """Before and after: of what Git declares, and of what image automation wrote beside it."""
    before = followed(facts, release, environment)
    yield before, advance(before or begin(facts, release, environment, now), facts.seen, environment, now)
    if found := intruder(facts, environment):
        yield intrusion(facts, found, environment, now)


def followed(facts: RolloutFacts, release: Release, environment: EnvironmentPolicy) -> Promotion | None:
    """The promotion under way or ended of what Git declares; one declined, superseded or left since begins anew.

    After a rollback it is the one that was done before what was taken back.
    """
    for promotion in facts.promotions:
        if promotion.state in OPEN | ENDED and promotion.release.id == release.id:
            return promotion
        if promotion.state in ENDED and not passed_over(promotion, facts, environment):
            return None
    return None


def passed_over(promotion: Promotion, facts: RolloutFacts, environment: EnvironmentPolicy) -> bool:
    """What Git went back from by a rollback, and what image automation wrote without Git ever declaring it."""
    by_itself = promotion.state == "bypassed" or (promotion.state == "failed" and promotion.merge_request is None)
    return (environment.delivery == "image_automation" and by_itself) or facts.taken_back(promotion)


def overtaken(facts: RolloutFacts, release: Release, now: datetime) -> list[RecordPromotion]:
    """Promotions that were landing when Git moved on: the cluster may never show them (failures F5)."""
    landing = [p for p in facts.promotions if p.state in ("merging", "applied") and p.release.id != release.id]
    left = [promotion for promotion in landing if not facts.taken_back(promotion)]
    return [RecordPromotion(promotion=left_behind(promotion, release, now)) for promotion in left]


def left_behind(promotion: Promotion, release: Release, now: datetime) -> Promotion:
    """Superseded by what is newer; withdrawn when somebody put Git back, so that it does not return by itself."""
    back = compare_versions(release.version, promotion.release.version) == "older"
    because = f"{'withdrawn' if back else 'superseded'}: Git declares {release.name} now"
    return replace(promotion, state="withdrawn" if back else "superseded", because=because, updated_at=now)


def tell(
    before: Promotion | None, after: Promotion, facts: RolloutFacts, environment: EnvironmentPolicy
) -> list[WriteSticky]:
    """The merge request that brought it shows how it ended; in between it is left alone."""
    if after.merge_request is None or after.state in OPEN or muted(environment, facts.installation):
        return []
    if before is not None and before.state == after.state:
        return []
    return [
        WriteSticky(
            key=after.key,
            merge_request=after.merge_request,
            release=after.release,
            state=after.state,
            gates=(),
            because=after.because,
        )
    ]


RULE = Rule(name="rollout", about=EnvironmentKey, facts=RolloutFacts, observe=observe, decide=decide)
