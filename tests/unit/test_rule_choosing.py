"""The release chosen is the newest proven one, never a baseline, never older, never one that was turned away."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STAGING,
    denial_of,
    merge_request,
    pin_of,
    promotion,
    record,
    release,
    seen,
)

from bot.observing import PromotionState, compare_versions
from handlers.choosing import choose, healthy_at, kept_out, may_follow, newest, turned_away

HERE = seen(STAGING, OLD)
NOBODY: frozenset[str] = frozenset()


def test_the_newest_proven_release_is_chosen() -> None:
    proven = (promotion(DEV, NEW), promotion(DEV, NEWER, "applied"))

    assert choose(HERE, (record(NEWER), record(NEW)), proven, ("dev",), NOBODY) == NEW


def test_without_a_proven_release_the_newest_candidate_is_named() -> None:
    assert choose(HERE, (record(NEW), record(NEWER)), (), ("dev",), NOBODY) == NEWER


def test_what_was_taken_back_before_does_not_stand_in_the_way_of_what_is_healthy_there() -> None:
    left = promotion(STAGING, NEWER, "rolled_back", healthy=timedelta(hours=1))
    proven = promotion(STAGING, NEW, opened_at=NOW - timedelta(hours=2))

    found = choose(seen(PRODUCTION, OLD), (record(NEWER), record(NEW)), (left, proven), ("staging",), frozenset())

    assert found == NEW


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


def test_allowing_a_release_makes_its_past_count_no_more() -> None:
    ended = promotion(STAGING, NEW, "rolled_back", asked_again_at=NOW)

    assert turned_away(STAGING, (ended,), None) == NOBODY


def test_what_ends_badly_after_it_was_allowed_is_turned_away_again() -> None:
    first = promotion(STAGING, NEW, "rolled_back", asked_again_at=NOW)
    second = promotion(STAGING, NEW, "rolled_back", attempt=1, opened_at=NOW + timedelta(minutes=1))

    assert turned_away(STAGING, (second, first), None) == {NEW.id}


def test_allowing_elsewhere_lets_nothing_in_here() -> None:
    here = promotion(STAGING, NEW, "rolled_back")
    there = promotion(PRODUCTION, NEW, "rolled_back", asked_again_at=NOW)

    assert turned_away(STAGING, (there, here), None) == {NEW.id}


def test_a_denied_digest_is_kept_out_under_any_version() -> None:
    renamed = replace(NEW, version="2.0.0")
    here = seen(STAGING, OLD, denials=(denial_of(NEW),))

    assert kept_out(STAGING, here, (record(renamed), record(NEWER)), ()) == {renamed.id}


def test_an_image_denied_among_several_keeps_the_release_out() -> None:
    both = replace(NEWER, images=(*NEWER.images, *NEW.images))

    assert kept_out(STAGING, seen(STAGING, OLD, denials=(denial_of(NEW),)), (record(both),), ()) == {both.id}


PINNED = seen(STAGING, OLD, pin=pin_of(OLD, NEW, since=NOW - timedelta(hours=1)))


@pytest.mark.parametrize(
    ("version", "out"), [("1.0.5", True), ("1.1.0", True), ("1.1.1", False), ("1.1.0-rc.1", True), ("nightly", True)]
)
def test_a_pin_lets_only_newer_releases_in(version: str, out: bool) -> None:
    known = record(release(version))

    assert kept_out(STAGING, PINNED, (known,), ()) == ({known.release.id} if out else NOBODY)


@pytest.mark.parametrize(("ago", "out"), [(timedelta(minutes=30), False), (timedelta(hours=2), True)])
def test_a_pin_lets_in_what_was_allowed_after_it_was_set(ago: timedelta, out: bool) -> None:
    ended = promotion(STAGING, NEW, "rolled_back", asked_again_at=NOW - ago)

    assert kept_out(STAGING, PINNED, (record(NEW),), (ended,)) == ({NEW.id} if out else NOBODY)


def test_what_is_allowed_and_still_denied_stays_out() -> None:
    ended = promotion(STAGING, NEW, "rolled_back", asked_again_at=NOW)

    assert kept_out(STAGING, replace(PINNED, denials=(denial_of(NEW),)), (record(NEW),), (ended,)) == {NEW.id}
