"""How a release failed is kept as first seen, belongs to that release alone, and a rollback ends its following."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    NEW,
    NEWER,
    NOW,
    OLD,
    STAGING,
    Memory,
    cluster,
    done,
    of_type,
    only,
    promotion,
    record,
    seen,
)

from bot.actions import Decision, RecordEnvironment, RecordPromotion
from bot.observing import (
    CanaryPhase,
    CanarySeen,
    ClusterSeen,
    EnvironmentSeen,
    Failure,
    FailureKind,
    Pin,
    Promotion,
    PromotionState,
    Release,
)
from handlers import rollout as rule

LANDED = promotion(STAGING, NEW, "applied", merge_request=3)
BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1))
EARLIER = NOW - timedelta(minutes=10)
MEASURED = "Halt web.shop advancement success 50.00 < 99"
GAP = "Halt advancement no values found for metric: errors"
PIN = Pin(release=OLD, instead_of=NEW, failure="measured", since=NOW, because="its canary failed", by="sluice")


def world(here: EnvironmentSeen, *promotions: Promotion) -> Memory:
    """An environment with its promotions, newest first."""
    known = (record(NEWER), record(NEW), record(OLD))
    return Memory(environments={STAGING: here}, known_promotions=promotions, known_releases=known)


def decided(memory: Memory) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(rule.observe(STAGING, memory)), memory.policy, NOW)


def canary(
    *messages: str,
    phase: CanaryPhase = "Failed",
    carries: bool = True,
    serves: bool = False,
    spec: str = "11",
) -> CanarySeen:
    """A canary whose target has the new images."""
    return CanarySeen(
        name="shop/web",
        phase=phase,
        images=("web:1.1.0",),
        carries=carries,
        serves=serves,
        spec=spec,
        messages=messages,
    )


def canary_failed(what: Release, *messages: str, spec: str = "11") -> ClusterSeen:
    """A cluster in which the canary of a release failed."""
    return replace(cluster(what, "failed"), failing="canary", canary=canary(*messages, spec=spec))


def failure(kind: FailureKind = "measured", *, spec: str = "11") -> Failure:
    """A canary's failure ten minutes ago."""
    evidence = f"canary one/shop/web {spec}"
    return Failure(kind=kind, cause="canary", evidence=evidence, because="it failed", at=EARLIER)


def failed(what: Release = NEW, kind: FailureKind = "measured", *, spec: str = "11") -> Promotion:
    """A promotion that failed ten minutes ago."""
    here = promotion(STAGING, what, "failed", merge_request=3, opened_at=NOW - timedelta(minutes=20))
    return replace(here, failure=failure(kind, spec=spec))


def test_a_failed_canary_is_recorded_with_how_it_failed() -> None:
    found = only(decided(world(seen(STAGING, NEW, canary_failed(NEW, MEASURED)), LANDED, BEFORE)), RecordPromotion)

    assert found.promotion.state == "failed"
    assert found.promotion.failure == Failure(
        kind="measured",
        cause="canary",
        evidence="canary one/shop/web 11",
        because=f"canary shop/web failed: {MEASURED}",
        at=NOW,
    )


def test_of_several_failing_clusters_the_best_known_failure_is_kept() -> None:
    silent, telling = canary_failed(NEW), canary_failed(NEW, MEASURED)
    both = seen(STAGING, NEW, replace(silent, cluster="one"), replace(telling, cluster="two"))

    found = only(decided(world(both, LANDED, BEFORE)), RecordPromotion).promotion

    assert found.failure is not None
    assert (found.failure.kind, found.failure.evidence) == ("measured", "canary two/shop/web 11")


def test_a_health_check_that_failed_is_a_measurement() -> None:
    here = replace(cluster(OLD, "failed", attempt=NEW), failing="health_check", reason="HealthCheckFailed")

    found = only(decided(world(seen(STAGING, NEW, here), LANDED, BEFORE)), RecordPromotion).promotion

    assert found.failure is not None
    assert (found.failure.kind, found.failure.cause) == ("measured", "health_check")
    assert found.failure.evidence == f"kustomization one/flux-system/demo-service-staging {'c' * 40}"


@pytest.mark.parametrize(
    ("known", "messages", "kind"),
    [
        ("unknown", (MEASURED,), "measured"),
        ("unknown", (GAP,), "no-data"),
        ("no-data", (GAP, MEASURED), "measured"),
    ],
)
def test_a_failure_is_better_known_when_flagger_tells_more(
    known: FailureKind, messages: tuple[str, ...], kind: FailureKind
) -> None:
    memory = world(seen(STAGING, NEW, canary_failed(NEW, *messages)), failed(NEW, known), BEFORE)

    found = only(decided(memory), RecordPromotion).promotion

    assert found.failure is not None
    assert (found.state, found.failure.kind, found.failure.at) == ("failed", kind, EARLIER)


@pytest.mark.parametrize(
    "here",
    [
        canary_failed(NEW, GAP),
        canary_failed(NEW, MEASURED, spec="12"),
        replace(cluster(NEW, "progressing"), canary=canary(phase="Progressing")),
    ],
)
def test_a_failure_stays_as_first_seen(here: ClusterSeen) -> None:
    decision = decided(world(seen(STAGING, NEW, here), failed(NEW, "no-data"), BEFORE))

    assert of_type(decision, RecordPromotion) == []


def test_a_phase_left_by_the_release_before_is_no_failure() -> None:
    here = seen(STAGING, NEWER, canary_failed(NEWER, MEASURED))
    memory = world(here, promotion(STAGING, NEWER, "merging"), replace(failed(), state="rolled_back"), BEFORE)

    decision = decided(memory)

    found = only(decision, RecordPromotion).promotion
    assert (found.state, found.failure, decision.look_again) == ("applied", None, rule.LOOK_AGAIN)
    assert "has not noticed 1.2.0 yet" in found.because


def test_the_next_release_fails_by_its_own_canary() -> None:
    here = seen(STAGING, NEWER, canary_failed(NEWER, MEASURED, spec="12"))
    memory = world(here, promotion(STAGING, NEWER, "applied"), replace(failed(), state="rolled_back"), BEFORE)

    found = only(decided(memory), RecordPromotion).promotion

    assert (found.release, found.state) == (NEWER, "failed")


@pytest.mark.parametrize(("spec", "state"), [("11", "applied"), ("12", "failed")])
def test_the_same_release_allowed_again_fails_by_a_failure_of_its_own(spec: str, state: str) -> None:
    again = promotion(STAGING, NEW, "applied", attempt=1)
    before = replace(failed(), state="rolled_back", asked_again_at=NOW)
    memory = world(seen(STAGING, NEW, canary_failed(NEW, MEASURED, spec=spec)), again, before, BEFORE)

    found = only(decided(memory), RecordPromotion).promotion

    assert (found.id, found.state) == (again.id, state)


def test_a_phase_that_was_seen_while_another_release_served_is_no_failure() -> None:
    back = replace(cluster(OLD), canary=canary(serves=True, spec="00"))
    memory = world(replace(seen(STAGING, OLD, back), pin=PIN), replace(failed(), state="rolled_back"), BEFORE)
    memory.known_states = (only(decided(memory), RecordEnvironment).state,)
    memory.environments[STAGING] = replace(seen(STAGING, NEWER, canary_failed(NEWER, spec="00")), pin=PIN)
    memory.known_promotions = (promotion(STAGING, NEWER, "merging"), *memory.known_promotions)

    first = decided(memory)
    memory.known_states = (only(first, RecordEnvironment).state,)
    second = decided(memory)
    memory.environments[STAGING] = replace(seen(STAGING, NEWER, canary_failed(NEWER, spec="12")), pin=PIN)
    third = decided(memory)

    assert only(first, RecordPromotion).promotion.state == "applied"
    assert only(second, RecordPromotion).promotion.state == "applied"
    assert only(third, RecordPromotion).promotion.state == "failed"


@pytest.mark.parametrize("state", ["failed", "done", "applied", "merging", "rolled_back"])
def test_after_a_rollback_the_old_release_is_followed_and_nothing_begins(state: PromotionState) -> None:
    here = replace(seen(STAGING, OLD), pin=PIN)

    decision = decided(world(here, promotion(STAGING, NEW, state, merge_request=3), BEFORE))

    assert of_type(decision, RecordPromotion) == []
    assert decision.because == BEFORE.because


@pytest.mark.parametrize("asked_again", [None, NOW])
def test_what_was_rolled_back_and_returns_is_a_promotion_of_its_own(asked_again: object) -> None:
    gone = replace(promotion(STAGING, NEW, "rolled_back"), asked_again_at=asked_again)  # type: ignore[arg-type]

    found = only(decided(world(seen(STAGING, NEW), gone, BEFORE)), RecordPromotion).promotion

    assert (found.release, found.state, found.id != gone.id) == (NEW, "bypassed", True)


def test_a_bots_second_attempt_is_followed_not_what_was_rolled_back() -> None:
    again = promotion(STAGING, NEW, "ready", attempt=1, merge_request=4)
    gone = replace(failed(), state="rolled_back", asked_again_at=NOW)

    found = only(decided(world(seen(STAGING, NEW), again, gone, BEFORE)), RecordPromotion).promotion

    assert (found.id, found.state) == (again.id, "done")


def test_a_failed_release_that_heals_keeps_what_was_seen() -> None:
    found = only(decided(world(seen(STAGING, NEW), failed(), BEFORE)), RecordPromotion).promotion

    assert (found.state, found.failure) == ("done", failure())


phases = st.sampled_from(["Progressing", "Failed", "Succeeded"])
ends = st.sampled_from(["rolled_back", "failed", "done"])


@given(phases, st.sampled_from(["10", "11", "12"]), ends, st.sampled_from([OLD, NEW, NEWER]))
def test_only_the_evidence_of_the_declared_release_makes_it_fail(
    phase: CanaryPhase, spec: str, end: PromotionState, declared: Release
) -> None:
    serves = phase == "Succeeded"
    here = replace(cluster(declared), canary=canary(phase=phase, spec=spec, serves=serves))
    if phase == "Failed":
        here = replace(here, health="failed", failing="canary")
    memory = world(seen(STAGING, declared, here), replace(failed(), state=end))

    records = of_type(decided(memory), RecordPromotion)

    fresh = [r.promotion for r in records if r.promotion.state == "failed" and r.promotion.failure]
    assert all(p.release.id == declared.id for p in fresh)
    assert not fresh or declared == NEW or spec != "11"
