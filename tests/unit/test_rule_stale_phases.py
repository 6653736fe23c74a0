"""A phase that a canary kept from the release before is nobody's failure, whichever rule looks at it."""

from dataclasses import replace

import pytest
from rollback_worlds import decided as taking_back
from rollback_worlds import gate, world
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STAGING,
    Memory,
    canary_of,
    cluster,
    done,
    failure_of,
    promotion,
    record,
    seen,
)

from bot.actions import Decision, Verdict
from bot.observing import ClusterSeen, Failure, Release
from handlers import promotion as promoting
from handlers.promotion_facts import observe

STALE, OWN = "failed at 08:00", "failed at 08:58"


def failed(what: Release, spec: str, name: str = "one") -> ClusterSeen:
    """A cluster that carries a release, and whose canary says that something failed then."""
    return cluster(what, "failed", name=name, canary=canary_of("Failed", spec=spec), failing="canary")


def failure(spec: str) -> Failure:
    """The failure that a rule took from such a canary."""
    return replace(failure_of(), evidence=f"canary one/{canary_of('Failed').name} {spec}")


def promoted(memory: Memory) -> Decision:
    """What the rule of promotions says of staging."""
    return promoting.decide(done(observe(STAGING, memory)), memory.policy, NOW)


@pytest.mark.parametrize(("spec", "verdict"), [(STALE, "green"), (OWN, "red")])
def test_a_target_is_settled_though_its_canary_still_says_what_failed_before(spec: str, verdict: Verdict) -> None:
    gone = promotion(STAGING, NEW, "rolled_back", failure=failure(STALE))
    memory = Memory(
        known_releases=(record(NEWER), record(OLD)),
        environments={STAGING: seen(STAGING, OLD, failed(OLD, spec)), DEV: seen(DEV, NEWER)},
        known_promotions=(promotion(DEV, NEWER), gone, promotion(STAGING, OLD)),
    )

    assert gate(promoted(memory), "target settled")[0] == verdict


@pytest.mark.parametrize(("spec", "verdict"), [(STALE, "waiting"), (OWN, "green")])
def test_a_rollback_waits_for_the_cluster_that_has_not_judged_its_release(spec: str, verdict: Verdict) -> None:
    own = promotion(PRODUCTION, NEW, "failed", failure=failure_of())
    before = promotion(PRODUCTION, NEWER, "rolled_back", failure=replace(failure_of(), evidence=stale_in("two")))
    memory = world(own, before, promotion(PRODUCTION, OLD))
    both = (failed(NEW, OWN), failed(NEW, spec, name="two"))
    memory.environments[PRODUCTION] = seen(PRODUCTION, NEW, *both)

    assert gate(taking_back(memory), "settled")[0] == verdict


def stale_in(name: str) -> str:
    """The evidence of what failed before, as a cluster shows it."""
    return f"canary {name}/{canary_of('Failed').name} {STALE}"
