"""A roll-out is followed from Git into the clusters, and ends in a word that stays."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    POLICY,
    STAGING,
    STRANGER,
    Memory,
    cluster,
    done,
    of_type,
    only,
    outside,
    policy_of,
    promotion,
    record,
    release,
    seen,
)

from bot.actions import Decision, RecordEnvironment, RecordPromotion, WriteSticky
from bot.keys import EnvironmentKey
from bot.observing import ClusterSeen, EnvironmentSeen, EnvironmentState, Health, Promotion, PromotionState, Release
from handlers import rollout as rule

READY = promotion(STAGING, NEW, "ready", merge_request=3)
BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1), baseline=True)


def world(here: EnvironmentSeen, *promotions: Promotion, key: EnvironmentKey = STAGING) -> Memory:
    """An environment with its promotions, newest first; 1.1.0 and 1.2.0 are known releases."""
    known = (record(NEWER), record(NEW), record(OLD, baseline=True))
    return Memory(environments={key: here}, known_promotions=promotions, known_releases=known)


def decided(memory: Memory, key: EnvironmentKey = STAGING) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(rule.observe(key, memory)), memory.policy, NOW)


def after(memory: Memory, key: EnvironmentKey = STAGING) -> Promotion:
    """The one promotion that is recorded."""
    return only(decided(memory, key), RecordPromotion).promotion


@pytest.mark.parametrize(
    ("clusters", "state"),
    [
        ((cluster(OLD),), "merging"),
        ((cluster(OLD, "progressing", attempt=NEW),), "applied"),
        ((cluster(NEW, "progressing"),), "applied"),
        ((cluster(NEW),), "done"),
        ((cluster(NEW), cluster(OLD, name="two")), "applied"),
        ((cluster(NEW), cluster(NEW, name="two")), "done"),
        ((cluster(NEW), cluster(NEW, "unknown", name="two")), "applied"),
        ((cluster(NEW), cluster(OLD, "failed", attempt=NEW, name="two")), "failed"),
        ((cluster(OLD, "failed", attempt=NEW),), "failed"),
        ((cluster(OLD, "failed"),), "merging"),
        ((cluster(None, "unknown"),), "merging"),
    ],
)
def test_a_roll_out_stands_where_its_clusters_are(clusters: tuple[ClusterSeen, ...], state: PromotionState) -> None:
    found = after(world(seen(STAGING, NEW, *clusters), READY, BEFORE))

    assert (found.id, found.state) == (READY.id, state)
    assert (found.healthy_at == NOW) == (state == "done")


def test_a_roll_out_under_way_is_looked_at_again() -> None:
    decision = decided(world(seen(STAGING, NEW, cluster(NEW, "progressing")), READY, BEFORE))

    assert (decision.kind, decision.look_again) == ("wait", rule.LOOK_AGAIN)


def test_an_environment_without_a_declared_release_is_left() -> None:
    decision = decided(world(seen(STAGING, None)))

    assert (decision.kind, of_type(decision, RecordPromotion)) == ("skip", [])


def test_a_done_promotion_never_goes_back() -> None:
    ended = replace(READY, state="done", healthy_at=NOW)

    decision = decided(world(seen(STAGING, NEW, cluster(NEW, "failed")), ended, BEFORE))

    assert of_type(decision, RecordPromotion) == []


@pytest.mark.parametrize("trying", [cluster(OLD, "progressing", attempt=NEW), cluster(OLD)])
def test_a_failed_promotion_stays_failed_while_flux_tries_again(trying: ClusterSeen) -> None:
    failed = replace(READY, state="failed", because="1.1.0 failed")

    decision = decided(world(seen(STAGING, NEW, trying), failed, BEFORE))

    assert of_type(decision, RecordPromotion) == []


def test_a_failed_promotion_that_heals_is_done() -> None:
    found = after(world(seen(STAGING, NEW), replace(READY, state="failed"), BEFORE))

    assert (found.state, found.healthy_at) == ("done", NOW)


@pytest.mark.parametrize(("health", "state"), [("healthy", "done"), ("failed", "failed")])
def test_the_merge_request_tells_how_it_ended(health: Health, state: str) -> None:
    sticky = only(decided(world(seen(STAGING, NEW, cluster(NEW, health)), READY, BEFORE)), WriteSticky)

    assert (sticky.merge_request, sticky.state, sticky.release) == (3, state, NEW)


def test_nothing_is_told_while_it_rolls_out() -> None:
    assert outside(decided(world(seen(STAGING, NEW, cluster(NEW, "progressing")), READY, BEFORE))) == []


@pytest.mark.parametrize("changes", [{"adopted": STRANGER}, {"policy": policy_of(staging={"mode": "observe"})}])
def test_nothing_is_told_where_nothing_may_be_written(changes: dict[str, object]) -> None:
    memory = replace(world(seen(STAGING, NEW), READY, BEFORE), **changes)  # type: ignore[arg-type]

    decision = decided(memory)

    assert (outside(decision), after(memory).state) == ([], "done")


def test_a_known_baseline_is_recorded_as_one() -> None:
    found = after(world(seen(STAGING, OLD)))

    assert (found.state, found.baseline) == ("done", True)


def test_an_environment_that_was_behind_at_first_sight_is_a_baseline() -> None:
    found = after(world(seen(STAGING, release("0.9.0"))))

    assert (found.state, found.baseline) == ("done", True)


def test_a_first_release_that_was_noticed_is_no_baseline() -> None:
    found = after(world(seen(DEV, NEW), key=DEV), DEV)

    assert (found.state, found.baseline) == ("done", False)


def test_what_the_build_brings_is_followed_without_a_merge_request() -> None:
    found = after(world(seen(DEV, NEW, cluster(OLD)), promotion(DEV, OLD, baseline=True), key=DEV), DEV)

    assert (found.state, found.release, found.merge_request) == ("merging", NEW, None)


@pytest.mark.parametrize(
    ("last", "state"),
    [(OLD, "bypassed"), (NEWER, "downgraded")],
)
@pytest.mark.parametrize("last_state", ["done", "merging", "applied", "failed"])
def test_a_release_written_beside_the_gates_is_called_so(
    last: Release, state: PromotionState, last_state: PromotionState
) -> None:
    history = promotion(STAGING, last, last_state)
    decision = decided(world(seen(STAGING, NEW), history))

    found = of_type(decision, RecordPromotion)[-1].promotion
    assert (found.release, found.state, found.healthy_at) == (NEW, state, NOW)
    assert found.because == f"1.1.0 came into Git past its gates ({state}); 1.1.0 runs and is healthy in one"


def test_a_superseded_request_that_is_merged_later_is_a_downgrade() -> None:
    late = promotion(STAGING, NEW, "superseded", merge_request=3)
    newer = promotion(STAGING, NEWER, opened_at=NOW - timedelta(minutes=5))

    found = after(world(seen(STAGING, NEW), newer, late))

    assert (found.state, found.id != late.id) == ("downgraded", True)


def test_going_back_to_what_ran_before_is_a_downgrade_with_a_record_of_its_own() -> None:
    newer = promotion(STAGING, NEW, opened_at=NOW - timedelta(minutes=5))

    found = after(world(seen(STAGING, OLD), newer, BEFORE))

    assert (found.release, found.state, found.baseline) == (OLD, "downgraded", False)
    assert found.id != BEFORE.id


def test_a_merge_past_a_gate_is_called_so() -> None:
    found = after(world(seen(STAGING, NEW), replace(READY, state="waiting"), BEFORE))

    assert found.state == "bypassed"
    assert found.because.startswith("1.1.0 came into Git past its gates (bypassed); ")


def test_a_bypassed_release_that_fails_has_failed() -> None:
    found = after(world(seen(STAGING, NEW, cluster(NEW, "failed")), replace(READY, state="bypassed"), BEFORE))

    assert found.state == "failed"
    assert "past its gates" in found.because


@pytest.mark.parametrize(("declared", "state"), [(NEWER, "superseded"), (OLD, "withdrawn")])
def test_what_was_landing_when_git_moved_on_is_over(declared: Release, state: PromotionState) -> None:
    landing = replace(READY, state="applied")
    next_one = promotion(STAGING, NEWER, "ready", opened_at=NOW)

    decision = decided(world(seen(STAGING, declared), next_one, landing, BEFORE))

    found = next(r.promotion for r in of_type(decision, RecordPromotion) if r.promotion.id == landing.id)
    assert (found.state, found.because) == (state, f"{state}: Git declares {declared.name} now")


def test_a_declined_release_that_lands_begins_anew() -> None:
    found = after(world(seen(STAGING, NEW), replace(READY, state="declined"), BEFORE))

    assert (found.state, found.id != READY.id) == ("bypassed", True)


def test_clusters_are_recorded_when_they_change() -> None:
    memory = world(seen(STAGING, OLD), BEFORE)
    first = only(decided(memory), RecordEnvironment).state
    memory.known_states = (first,)

    unchanged = decided(memory)
    memory.environments[STAGING] = seen(STAGING, OLD, cluster(OLD, "failed"))
    failed = only(decided(memory), RecordEnvironment).state

    assert (first.health, first.ever_healthy, first.since) == ("healthy", True, NOW)
    assert (unchanged.kind, unchanged.actions) == ("skip", ())
    assert (failed.health, failed.ever_healthy) == ("failed", True)


def test_another_release_has_to_prove_its_health_anew() -> None:
    memory = world(seen(STAGING, OLD), BEFORE)
    memory.known_states = (only(decided(memory), RecordEnvironment).state,)
    memory.environments[STAGING] = seen(STAGING, NEW, cluster(NEW, "failed"))

    found = only(decided(memory), RecordEnvironment).state

    assert (found.health, found.ever_healthy) == ("failed", False)


clusters = st.builds(
    cluster,
    st.sampled_from([None, OLD, NEW, NEWER]),
    st.sampled_from(["unknown", "progressing", "healthy", "failed"]),
    attempt=st.sampled_from([None, OLD, NEW, NEWER]),
)
steps = st.tuples(st.sampled_from([OLD, NEW, NEWER]), st.sampled_from(get_args(PromotionState)))


def history_of(lived: list[tuple[Release, PromotionState]]) -> list[Promotion]:
    """Promotions newest first, an hour apart, each attempt counted as rules count them."""
    found: list[Promotion] = []
    for number, (what, state) in enumerate(lived):
        attempt = sum(one.release == what for one in found)
        opened_at = NOW - timedelta(hours=len(lived) - number)
        found.insert(0, promotion(STAGING, what, state, attempt=attempt, opened_at=opened_at))
    return found


histories = st.lists(steps, max_size=5).map(history_of)


@given(st.sampled_from([OLD, NEW, NEWER]), clusters, histories)
def test_what_ended_well_is_never_written_again(declared: Release, here: ClusterSeen, known: list[Promotion]) -> None:
    decision = decided(world(seen(STAGING, declared, here), *known))

    ended = {p.id for p in known if p.healthy_at is not None}
    assert not [r for r in of_type(decision, RecordPromotion) if r.promotion.id in ended]
    assert decision == decided(world(seen(STAGING, declared, here), *known))


@given(st.sampled_from([OLD, NEW, NEWER]), clusters, histories)
def test_deciding_on_what_was_recorded_records_nothing_more(
    declared: Release, here: ClusterSeen, known: list[Promotion]
) -> None:
    memory = world(seen(STAGING, declared, here), *known)
    written = {r.promotion.id: r.promotion for r in of_type(decided(memory), RecordPromotion)}
    everything = {p.id: p for p in known} | written
    newest_first = sorted(everything.values(), key=lambda p: (p.opened_at, p.id in written), reverse=True)

    again = decided(replace(memory, known_promotions=tuple(newest_first)))

    assert of_type(again, RecordPromotion) == []
    assert memory.policy == POLICY


AWAY = replace(cluster(None, "unknown", name="two"), away=True, because="cluster two cannot be read now")


@pytest.mark.parametrize("state", ["done", "failed"])
def test_an_environment_with_a_cluster_that_is_away_is_looked_at_again_soon(state: PromotionState) -> None:
    ended = promotion(STAGING, NEW, state)
    memory = world(seen(STAGING, NEW, cluster(NEW, "failed" if state == "failed" else "healthy"), AWAY), ended)

    assert decided(memory).look_again == rule.WHILE_AWAY


def test_a_release_is_not_done_while_a_cluster_is_away() -> None:
    memory = world(seen(STAGING, NEW, cluster(NEW), AWAY), promotion(STAGING, NEW, "merging"))

    assert after(memory).state == "applied"


def test_what_a_cluster_ran_is_remembered_while_it_is_away() -> None:
    memory = world(seen(STAGING, NEW, cluster(NEW), AWAY), promotion(STAGING, NEW))
    leftover = " (Failed of canary two/web failed at 08:00 is of one before)"
    known = EnvironmentState(
        key=STAGING,
        cluster="two",
        release_id=NEW.id,
        version="1.1.0",
        revision="c" * 40,
        health="healthy",
        ever_healthy=True,
        because=f"it served{leftover}",
        since=NOW - timedelta(days=1),
    )
    memory.known_states = (known,)

    states = {one.state.cluster: one.state for one in of_type(decided(memory), RecordEnvironment)}

    because = f"cluster two cannot be read now{leftover}"
    assert states["two"] == replace(known, health="unknown", because=because, since=NOW)
