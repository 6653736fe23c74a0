"""Each gate says green, waiting or red for the right reason, and says that reason."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STAGING,
    cluster,
    denial_of,
    hold_of,
    merge_request,
    pin_of,
    promotion,
    request_of,
    seen,
)

from bot.actions import Verdict
from bot.observing import Change, ClusterSeen, Comparison, Hold, MergeProof, PromotionState, ProofVerdict
from handlers.gates import (
    branch_untouched,
    healthy_before,
    loses_nothing,
    merge_proof,
    no_hold,
    not_denied,
    pin,
    target_settled,
)

HOUR = timedelta(hours=1)


def test_nothing_comes_before_the_first_environment() -> None:
    gate = healthy_before.judge(NEW, (), (), HOUR, NOW)

    assert gate.verdict == "green"


def test_a_release_not_yet_before_is_waited_for() -> None:
    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, OLD),), timedelta(), NOW)

    assert (gate.verdict, gate.because) == ("waiting", "1.1.0 has not been in dev yet")


@pytest.mark.parametrize(
    ("state", "verdict"), [("failed", "red"), ("waiting", "waiting"), ("merging", "waiting"), ("done", "green")]
)
def test_a_release_that_was_taken_back_and_allowed_proves_itself_again(state: PromotionState, verdict: Verdict) -> None:
    left = promotion(DEV, NEW, "rolled_back", healthy=3 * HOUR, opened_at=NOW - 4 * HOUR, asked_again_at=NOW - HOUR)
    again = promotion(DEV, NEW, state, attempt=1)

    gate = healthy_before.judge(NEW, ("dev",), (again, left), timedelta(), NOW)

    assert gate.verdict == verdict


@pytest.mark.parametrize(
    ("state", "verdict"),
    [("failed", "red"), ("applied", "waiting"), ("merging", "waiting"), ("bypassed", "waiting")],
)
def test_an_unhealthy_release_before_is_told(state: PromotionState, verdict: Verdict) -> None:
    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, NEW, state, because="2 of 3 ready"),), timedelta(), NOW)

    assert gate.verdict == verdict
    assert "2 of 3 ready" in gate.because


@pytest.mark.parametrize(
    ("healthy", "soak", "verdict"),
    [
        (timedelta(minutes=59), HOUR, "waiting"),
        (HOUR, HOUR, "green"),
        (timedelta(), timedelta(), "green"),
        (timedelta(days=3), HOUR, "green"),
    ],
)
def test_soaking_ends_to_the_second(healthy: timedelta, soak: timedelta, verdict: Verdict) -> None:
    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, NEW, healthy=healthy),), soak, NOW)

    assert gate.verdict == verdict


def test_soaking_says_until_when() -> None:
    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, NEW, healthy=timedelta()),), HOUR, NOW)

    assert gate.because == "1.1.0 soaks in dev until 2026-03-02 10:00:00 UTC"


def test_every_environment_before_must_vouch() -> None:
    before = (promotion(DEV, NEW),)

    gate = healthy_before.judge(NEW, ("dev", "staging"), before, timedelta(), NOW)

    assert (gate.verdict, "staging" in gate.because) == ("waiting", True)
    assert healthy_before.judge(NEW, ("dev",), before, timedelta(), NOW).verdict == "green"


def test_another_environments_health_does_not_vouch() -> None:
    gate = healthy_before.judge(NEW, ("dev",), (promotion(PRODUCTION, NEW),), timedelta(), NOW)

    assert gate.verdict == "waiting"


@pytest.mark.parametrize(
    ("clusters", "verdict", "words"),
    [
        ((cluster(OLD),), "green", "staging runs 1.0.0"),
        ((cluster(OLD, "progressing"),), "green", "staging runs 1.0.0"),
        ((cluster(OLD, "progressing", attempt=NEW),), "waiting", "still rolling out"),
        ((cluster(OLD, "failed"),), "red", "is failing: one: Kustomization one is failed"),
        ((cluster(OLD, "unknown"),), "red", "health of staging is unknown"),
        ((cluster(OLD), cluster(OLD, "failed", name="two")), "red", "two: Kustomization two is failed"),
        ((cluster(OLD), cluster(NEW, name="two")), "waiting", "still rolling out"),
        ((cluster(NEW),), "waiting", "still rolling out 1.0.0"),
        ((cluster(OLD), cluster(None, "unknown", name="two")), "red", "unknown"),
    ],
)
def test_a_target_is_settled_when_all_its_clusters_are(
    clusters: tuple[ClusterSeen, ...], verdict: Verdict, words: str
) -> None:
    gate = target_settled.judge(seen(STAGING, OLD, *clusters))

    assert gate.verdict == verdict
    assert words in gate.because


def test_an_empty_target_is_settled() -> None:
    assert target_settled.judge(seen(STAGING, None)).verdict == "green"


def test_a_target_without_clusters_is_not_settled() -> None:
    gate = target_settled.judge(replace(seen(STAGING, OLD), clusters=()))

    assert (gate.verdict, gate.because) == ("red", "no cluster is known to carry staging")


def test_lost_commits_are_counted_and_named() -> None:
    lost = tuple(Change(sha=f"{number}" * 40, title=f"Fix {number}") for number in range(5))

    gate = loses_nothing.judge(NEW, OLD, Comparison(brings=(), loses=lost))

    assert gate.verdict == "red"
    assert gate.because.startswith("1.1.0 would lose 5 commits of 1.0.0: 00000000 Fix 0, ")
    assert "Fix 3" not in gate.because


@pytest.mark.parametrize("comparison", [None, Comparison(brings=(Change(sha="1" * 40, title="x"),), loses=())])
def test_a_release_that_loses_nothing_passes(comparison: Comparison | None) -> None:
    assert loses_nothing.judge(NEW, OLD, comparison).verdict == "green"
    assert loses_nothing.judge(NEW, None, comparison).verdict == "green"


def test_a_persons_commit_on_the_branch_is_red() -> None:
    gate = branch_untouched.judge(merge_request(NEW, ours=False))

    assert gate.verdict == "red"
    assert "committed by a person" in gate.because


def test_our_own_branch_is_green() -> None:
    assert branch_untouched.judge(merge_request(NEW)).verdict == "green"
    assert branch_untouched.judge(None).verdict == "green"


@pytest.mark.parametrize(
    ("proof", "wait", "allow"),
    [
        ("passed", "green", "green"),
        ("failed", "red", "red"),
        ("running", "waiting", "waiting"),
        ("missing", "waiting", "waiting"),
        ("none", "red", "green"),
    ],
)
def test_only_a_tested_head_is_proven(proof: ProofVerdict, wait: Verdict, allow: Verdict) -> None:
    request = merge_request(NEW, proof=MergeProof(verdict=proof, because="it says so"))

    assert merge_proof.judge(request, "wait").verdict == wait
    assert merge_proof.judge(request, "allow").verdict == allow
    assert "it says so" in merge_proof.judge(request, "wait").because


def test_without_a_merge_request_the_proof_is_waited_for() -> None:
    assert merge_proof.judge(None, "allow").verdict == "waiting"


def test_a_release_denied_before_is_red_though_it_was_healthy_there() -> None:
    denied = (("dev", denial_of(NEW)),)

    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, NEW),), timedelta(), NOW, denied)

    assert (gate.verdict, gate.because) == ("red", "1.1.0 is denied in dev: 1.1.0 failed")


@pytest.mark.parametrize(("allowed", "verdict"), [(False, "red"), (True, "waiting")])
def test_a_release_taken_back_before_vouches_no_more(allowed: bool, verdict: Verdict) -> None:
    left = promotion(DEV, NEW, "rolled_back", healthy=HOUR, asked_again_at=NOW if allowed else None)

    gate = healthy_before.judge(NEW, ("dev",), (left,), timedelta(), NOW)

    assert (gate.verdict, gate.because) == (verdict, "1.1.0 left dev: as it was")


def test_what_image_automation_wrote_over_a_rollback_vouches_for_nothing() -> None:
    left = promotion(DEV, NEW, "rolled_back", healthy=HOUR, because="customers complained")
    back = promotion(DEV, NEW, "bypassed", attempt=1, healthy=timedelta(minutes=1))

    gate = healthy_before.judge(NEW, ("dev",), (back, left), timedelta(), NOW)

    assert (gate.verdict, gate.because) == ("red", "1.1.0 left dev: customers complained")


def test_healthy_again_after_it_was_allowed_vouches() -> None:
    left = promotion(DEV, NEW, "rolled_back", asked_again_at=NOW)

    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, NEW, attempt=1), left), timedelta(), NOW)

    assert gate.verdict == "green"


def test_a_denied_release_is_red_and_the_command_is_named() -> None:
    gate = not_denied.judge(STAGING, NEW, seen(STAGING, OLD, denials=(denial_of(NEW),)))

    assert (gate.verdict, gate.because) == (
        "red",
        "1.1.0 is denied in staging since 2026-03-02 08:58 UTC (1.1.0 failed): "
        '`sluice allow demo-service staging 1.1.0 --reason "…"` lets it in',
    )


def test_anothers_denial_does_not_count() -> None:
    assert not_denied.judge(STAGING, NEWER, seen(STAGING, OLD, denials=(denial_of(NEW),))).verdict == "green"
    assert not_denied.judge(STAGING, NEW, seen(STAGING, OLD)).verdict == "green"


def test_a_pin_says_what_may_follow() -> None:
    pinned = seen(STAGING, OLD, pin=pin_of(OLD, NEW))

    assert pin.judge(STAGING, NEWER, pinned, ()).because == (
        "staging was taken back to 1.0.0 from 1.1.0, and 1.2.0 is newer"
    )
    assert pin.judge(STAGING, NEW, pinned, ()).because == (
        "staging was taken back to 1.0.0 from 1.1.0, and 1.1.0 is not newer: "
        '`sluice allow demo-service staging 1.1.0 --reason "…"` lets it in'
    )
    assert pin.judge(STAGING, OLD, pinned, ()).because.endswith("only a newer release may follow")
    assert pin.judge(STAGING, NEW, seen(STAGING, OLD), ()).verdict == "green"


@pytest.mark.parametrize(
    ("holds", "verdict", "words"),
    [
        ((), "green", "nobody holds it"),
        ((hold_of(STAGING, until=NOW),), "green", "nobody holds it"),
        ((hold_of(STAGING, until=NOW + HOUR),), "waiting", "an audit (until 2026-03-02 10:00:00 UTC)"),
        ((hold_of(STAGING),), "red", "an audit; `sluice unhold demo-service staging` lifts it"),
        ((hold_of(STAGING, until=NOW + HOUR), hold_of(STAGING)), "red", "lifts it"),
        ((hold_of(STAGING, until=NOW + HOUR), hold_of(STAGING, until=NOW + 2 * HOUR)), "waiting", "11:00:00"),
    ],
)
def test_a_hold_stops_promotion_until_it_ends(holds: tuple[Hold, ...], verdict: Verdict, words: str) -> None:
    gate = no_hold.judge(holds, (), NOW)

    assert gate.verdict == verdict
    assert words in gate.because


def test_a_rollback_that_was_asked_for_goes_first() -> None:
    gate = no_hold.judge((), (request_of(STAGING, "allow", "1.1.0"), request_of(STAGING)), NOW)

    assert (gate.verdict, gate.because) == (
        "waiting",
        "maintainer asked for a rollback, which goes first: customers complain",
    )
    assert no_hold.judge((), (request_of(STAGING, "allow", "1.1.0"),), NOW).verdict == "green"
