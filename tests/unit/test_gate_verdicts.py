"""Each gate says green, waiting or red for the right reason, and says that reason."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rule_worlds import DEV, NEW, NOW, OLD, PRODUCTION, STAGING, cluster, merge_request, promotion, seen

from bot.actions import Verdict
from bot.observing import Change, ClusterSeen, Comparison, MergeProof, PromotionState, ProofVerdict
from handlers.gates import branch_untouched, healthy_before, loses_nothing, merge_proof, target_settled

HOUR = timedelta(hours=1)


def test_nothing_comes_before_the_first_environment() -> None:
    gate = healthy_before.judge(NEW, (), (), HOUR, NOW)

    assert gate.verdict == "green"


def test_a_release_not_yet_before_is_waited_for() -> None:
    gate = healthy_before.judge(NEW, ("dev",), (promotion(DEV, OLD),), timedelta(), NOW)

    assert (gate.verdict, gate.because) == ("waiting", "1.1.0 has not been in dev yet")


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
