"""Where Flux writes the positions, a merged release waits for it quietly, and a tag nobody merged is named."""

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
    policy_of,
    promotion,
    record,
    seen,
)

from bot.actions import Decision, RecordPromotion
from bot.observing import Denial, EnvironmentSeen, Health, Promotion, PromotionState, Release
from handlers import rollout as rule

POLICY = policy_of(staging={"delivery": "image_automation", "tag": "{version}-staging"})
READY = promotion(STAGING, NEW, "ready", merge_request=3)
BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1))


def world(here: EnvironmentSeen, *promotions: Promotion) -> Memory:
    """An environment whose positions Flux writes."""
    known = (record(NEWER), record(NEW), record(OLD))
    return Memory(policy=POLICY, environments={STAGING: here}, known_promotions=promotions, known_releases=known)


def positions(
    declared: Release, standing: Release | None, health: Health = "healthy", *, agrees: bool = True
) -> EnvironmentSeen:
    """The release file says `declared`, positions and cluster say `standing`."""
    here = seen(STAGING, declared, cluster(standing, health), agrees=agrees)
    written = (f"{standing.version}-staging",) if standing else ()
    return replace(here, standing=standing, written=written, marking="active")


def decided(memory: Memory) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(rule.observe(STAGING, memory)), memory.policy, NOW)


def denial(what: Release) -> Denial:
    """A denial of a release."""
    return Denial(image=what.images[0], version=what.version, since=NOW, because="its canary failed", incident="i/1")


@pytest.mark.parametrize("standing", [OLD, None])
def test_a_merged_release_waits_for_flux(standing: Release | None) -> None:
    decision = decided(world(positions(NEW, standing), READY, BEFORE))

    found = only(decision, RecordPromotion).promotion
    assert (found.id, found.state, decision.kind) == (READY.id, "merging", "wait")
    said = "1.0.0" if standing else "no image that can be found"
    assert found.because == f"1.1.0 is in Git; its image positions say {said} until Flux writes them"


@pytest.mark.parametrize(("health", "state"), [("healthy", "done"), ("progressing", "applied"), ("failed", "failed")])
def test_what_flux_wrote_is_followed(health: Health, state: PromotionState) -> None:
    found = only(decided(world(positions(NEW, NEW, health), replace(READY, state="merging"), BEFORE)), RecordPromotion)

    assert found.promotion.state == state


def test_a_tag_nobody_merged_is_a_promotion_past_its_gates() -> None:
    decision = decided(world(positions(OLD, NEW, "progressing", agrees=False), BEFORE))

    found = only(decision, RecordPromotion).promotion
    assert (found.release, found.state, decision.kind) == (NEW, "bypassed", "wait")
    assert found.because.startswith(
        "the tag 1.1.0-staging stands in staging past its gates (bypassed): "
        "no merged release file declares 1.1.0, it says 1.0.0; 1.1.0 is being rolled out"
    )


@pytest.mark.parametrize(("health", "state"), [("healthy", "bypassed"), ("failed", "failed")])
def test_a_tag_nobody_merged_is_followed_for_its_health(health: Health, state: PromotionState) -> None:
    known = promotion(STAGING, NEW, "bypassed", opened_at=NOW - timedelta(minutes=5))

    found = only(decided(world(positions(OLD, NEW, health, agrees=False), known, BEFORE)), RecordPromotion).promotion

    assert (found.id, found.state, found.healthy_at) == (known.id, state, NOW if health == "healthy" else None)


def test_the_declared_release_is_no_downgrade_beside_what_failed() -> None:
    known = promotion(STAGING, NEW, "failed", opened_at=NOW - timedelta(minutes=5))

    decision = decided(world(positions(OLD, NEW, "failed", agrees=False), known, BEFORE))

    assert of_type(decision, RecordPromotion) == []


@pytest.mark.parametrize("denied", [True, False])
def test_a_stale_write_over_the_rollback_is_named(denied: bool) -> None:
    here = replace(positions(OLD, NEW, agrees=False), denials=(denial(NEW),) if denied else ())
    gone = promotion(STAGING, NEW, "rolled_back", merge_request=3)

    found = only(decided(world(here, gone, BEFORE)), RecordPromotion).promotion

    assert (found.release, found.state, found.id != gone.id) == (NEW, "bypassed", True)
    assert found.because.startswith("image automation wrote 1.1.0-staging over the rollback")


def test_flux_behind_the_merge_is_quiet() -> None:
    known = (promotion(STAGING, NEWER, "merging"), promotion(STAGING, NEW), BEFORE)

    decision = decided(world(positions(NEWER, NEW), *known))

    assert [r.promotion.release for r in of_type(decision, RecordPromotion)] == [NEWER]


@pytest.mark.parametrize("state", ["done", "applied", "merging", "downgraded"])
def test_what_landed_once_is_no_intruder(state: PromotionState) -> None:
    known = (promotion(STAGING, NEWER, "merging"), promotion(STAGING, NEW, state), BEFORE)

    decision = decided(world(positions(NEWER, NEW, agrees=False), *known))

    assert not [r for r in of_type(decision, RecordPromotion) if r.promotion.state == "bypassed"]


def test_the_declared_release_is_followed_on_when_an_intruder_has_gone() -> None:
    gone = promotion(STAGING, NEW, "bypassed", opened_at=NOW - timedelta(minutes=5))

    decision = decided(world(positions(OLD, OLD), gone, BEFORE))

    assert of_type(decision, RecordPromotion) == []
    assert decision.because == BEFORE.because


def test_a_position_that_a_merge_request_writes_is_no_intruder() -> None:
    here = replace(positions(OLD, NEW, agrees=False))
    memory = replace(world(here, BEFORE), policy=policy_of())

    assert of_type(decided(memory), RecordPromotion) == []


releases = st.sampled_from([OLD, NEW, NEWER])
ends = st.sampled_from(["done", "failed", "rolled_back", "bypassed", "superseded"])
healths = st.sampled_from(["healthy", "failed", "progressing", "unknown"])


@given(releases, releases | st.none(), healths, st.booleans(), st.lists(st.tuples(releases, ends), max_size=4))
def test_deciding_on_what_was_recorded_records_nothing_more(
    declared: Release,
    standing: Release | None,
    health: Health,
    agrees: bool,
    lived: list[tuple[Release, PromotionState]],
) -> None:
    known: list[Promotion] = []
    for number, (what, state) in enumerate(lived):
        attempt = sum(one.release == what for one in known)
        opened_at = NOW - timedelta(hours=len(lived) - number)
        known.insert(0, promotion(STAGING, what, state, attempt=attempt, opened_at=opened_at))
    memory = world(positions(declared, standing, health, agrees=agrees or declared == standing), *known)

    written = {r.promotion.id: r.promotion for r in of_type(decided(memory), RecordPromotion)}
    everything = {p.id: p for p in known} | written
    newest_first = sorted(everything.values(), key=lambda p: (p.opened_at, p.id in written), reverse=True)
    again = decided(replace(memory, known_promotions=tuple(newest_first)))

    assert of_type(again, RecordPromotion) == []
