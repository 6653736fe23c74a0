"""The release chosen is the newest proven one, never a baseline, never older, never one that was turned away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import DEV, NEW, NEWER, OLD, PRODUCTION, STAGING, merge_request, promotion, record, release, seen

from bot.observing import PromotionState, compare_versions
from handlers.choosing import choose, healthy_at, may_follow, newest, turned_away

HERE = seen(STAGING, OLD)
NOBODY: frozenset[str] = frozenset()


def test_the_newest_proven_release_is_chosen() -> None:
    proven = (promotion(DEV, NEW), promotion(DEV, NEWER, "applied"))

    assert choose(HERE, (record(NEWER), record(NEW)), proven, ("dev",), NOBODY) == NEW


def test_without_a_proven_release_the_newest_candidate_is_named() -> None:
    assert choose(HERE, (record(NEW), record(NEWER)), (), ("dev",), NOBODY) == NEWER


def test_a_baseline_never_moves() -> None:
    assert choose(HERE, (record(NEW, baseline=True),), (promotion(DEV, NEW),), ("dev",), NOBODY) is None


def test_a_refused_release_is_not_chosen() -> None:
    assert choose(HERE, (record(NEW),), (promotion(DEV, NEW),), ("dev",), frozenset({NEW.id})) is None


@pytest.mark.parametrize("version", ["1.0.0", "0.9.0", "1.0.0-rc.1", "1.0.0+other", "nightly", ""])
def test_only_what_is_newer_may_follow(version: str) -> None:
    assert not may_follow(release(version, build="x"), OLD)


def test_anything_may_enter_an_empty_environment() -> None:
    assert may_follow(release("nightly"), None)


def test_of_incomparable_releases_the_one_known_longest_is_newest() -> None:
    first, second = release("1.1.0", build="a"), release("1.1.0", build="b")

    assert newest([second, first]) == first


def test_something_incomparable_does_not_hide_the_newest() -> None:
    assert newest([release("2.0.0"), release("nightly"), release("1.0.0")]) != release("1.0.0")


@given(st.lists(st.sampled_from(["1.0.0", "1.1.0", "1.1.0+a", "2.0.0", "2.0.0-rc.1", "nightly", ""]), max_size=7))
def test_nothing_is_newer_than_the_newest(versions: list[str]) -> None:
    releases = [release(version, build=str(number)) for number, version in enumerate(versions)]

    found = newest(releases)

    assert (found is None) == (not releases)
    assert not [one for one in releases if found and compare_versions(one.version, found.version) == "newer"]


def test_the_first_healthy_moment_counts() -> None:
    first, again = promotion(DEV, NEW), promotion(DEV, NEW, attempt=1, healthy=None)

    assert healthy_at(NEW, "dev", (again, first)) == first.healthy_at
    assert healthy_at(NEW, "staging", (again, first)) is None


@pytest.mark.parametrize(
    "state",
    [
        "declined",
        "done",
        "failed",
        "merging",
        "applied",
        "bypassed",
        "downgraded",
        "withdrawn",
        "denied",
        "rolled_back",
    ],
)
def test_what_was_refused_or_was_here_does_not_come_back_by_itself(state: PromotionState) -> None:
    assert turned_away(STAGING, (promotion(STAGING, NEW, state),), None) == {NEW.id}


@pytest.mark.parametrize("state", ["waiting", "ready", "superseded"])
def test_what_never_landed_may_still_come(state: PromotionState) -> None:
    assert turned_away(STAGING, (promotion(STAGING, NEW, state),), None) == NOBODY


def test_being_turned_away_elsewhere_does_not_count() -> None:
    assert turned_away(STAGING, (promotion(PRODUCTION, NEW, "declined"),), None) == NOBODY


def test_reopening_a_merge_request_asks_anew() -> None:
    refused = (promotion(STAGING, NEW, "declined", merge_request=3),)

    assert turned_away(STAGING, refused, merge_request(NEW)) == NOBODY
    assert turned_away(STAGING, refused, merge_request(NEW, state="closed")) == {NEW.id}
    assert turned_away(STAGING, (promotion(STAGING, NEW, "failed"),), merge_request(NEW)) == {NEW.id}
