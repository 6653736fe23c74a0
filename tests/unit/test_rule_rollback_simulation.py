"""All rules together while releases fail: what is taken back stays back, whatever image automation and people do."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollback_simulation import Returning, returning, settled
from rule_simulation import KEYS
from rule_worlds import NEW, NEWER, OLD, PRODUCTION, STAGING, release

from bot.actions import OpenIncident
from bot.observing import FailureKind, Release

KINDS: tuple[FailureKind, ...] = ("measured", "no-data", "unknown")
ENOUGH = 40
"""Rounds in which one release passes all environments many times over."""


def lived(world: Returning, *built: Release, rounds: int = ENOUGH) -> Returning:
    """Each release is built and given its time."""
    for what in built:
        world.build(what)
        for _ in range(rounds):
            world.round()
    return world


@pytest.mark.parametrize("way", ["commit", "merge_request"])
@pytest.mark.parametrize("automated", [False, True])
def test_a_bad_release_goes_back_and_a_fixed_one_lifts_the_pin(way: str, automated: bool) -> None:
    policy = returning(way, automated=automated)
    world = settled(Returning(policy=policy, ends={("production", "1.1.0"): "measured"}), OLD)

    lived(world, NEW)
    assert world.git[PRODUCTION] == world.positions[PRODUCTION] == OLD
    assert (world.rolled_back, world.state_of(PRODUCTION, NEW)) == ([(PRODUCTION, NEW.id)], "rolled_back")
    assert [denial.version for denial in world.denials[PRODUCTION]] == ["1.1.0"]
    lived(world, NEWER)

    assert world.git[PRODUCTION] == world.positions[PRODUCTION] == NEWER
    assert (PRODUCTION in world.pins, world.lifted) == (False, int(automated))
    assert world.state_of(PRODUCTION, NEWER) == "done"
    assert [p.state for p in world.known_promotions if p.release == OLD] == ["done", "done", "done"]


def test_a_hundred_scans_bring_nothing_back() -> None:
    world = settled(Returning(policy=returning(automated=True), ends={("production", "1.1.0"): "measured"}), OLD)
    lived(world, NEW)
    before = world.writes

    for _ in range(100):
        world.rescan()
        world.round()

    assert world.positions[PRODUCTION] == OLD
    assert world.writes == before


def test_what_was_taken_back_is_told_once() -> None:
    world = lived(settled(Returning(policy=returning(), ends={("production", "1.1.0"): "measured"}), OLD), NEW)

    incidents = world.all_of(OpenIncident)

    assert [(one.release, one.taken_back) for one in incidents] == [(NEW, True)]
    assert len(world.told) == len(set(world.told)) == 3


@pytest.mark.parametrize(("retry_after", "times"), [("0s", 1), ("5m", 2)])
def test_an_inconclusive_release_gets_one_more_try_where_the_policy_says_so(retry_after: str, times: int) -> None:
    policy = returning(retry_after=retry_after)
    world = settled(Returning(policy=policy, ends={("production", "1.1.0"): "no-data"}), OLD)

    lived(world, NEW, rounds=3 * ENOUGH)

    assert world.rolled_back == [(PRODUCTION, NEW.id)] * times
    assert (world.git[PRODUCTION], world.denials[PRODUCTION]) == (OLD, ())


def test_an_inconclusive_release_that_is_measured_well_stays() -> None:
    world = settled(Returning(policy=returning(retry_after="5m"), ends={("production", "1.1.0"): "no-data"}), OLD)
    lived(world, NEW, rounds=15)
    assert world.git[PRODUCTION] == OLD
    world.ends.clear()

    for _ in range(ENOUGH):
        world.round()

    assert (world.git[PRODUCTION], world.state_of(PRODUCTION, NEW)) == (NEW, "done")
    assert PRODUCTION not in world.pins


@pytest.mark.parametrize("automated", [False, True])
def test_a_person_allows_what_was_denied(automated: bool) -> None:
    world = settled(Returning(policy=returning(automated=automated), ends={("production", "1.1.0"): "measured"}), OLD)
    lived(world, NEW)
    world.ends.clear()
    world.person_allows(PRODUCTION, "1.1.0")

    for _ in range(ENOUGH):
        world.round()

    assert [answer.outcome for answer in world.answers] == ["done"]
    assert (world.git[PRODUCTION], world.denials[PRODUCTION]) == (NEW, ())
    assert (world.state_of(PRODUCTION, NEW), PRODUCTION in world.pins) == ("done", False)


@pytest.mark.parametrize("deny", [False, True])
def test_a_person_takes_back_what_is_healthy(deny: bool) -> None:
    world = lived(settled(Returning(policy=returning()), OLD), NEW)
    world.person_asks(PRODUCTION, deny=deny)

    for _ in range(ENOUGH):
        world.round()

    assert world.git[PRODUCTION] == OLD
    assert [answer.outcome for answer in world.answers] == ["done"]
    assert len(world.denials[PRODUCTION]) == int(deny)
    assert world.state_of(PRODUCTION, NEW) == "rolled_back"


def test_what_failed_in_staging_never_reaches_production() -> None:
    world = lived(settled(Returning(policy=returning(), ends={("staging", "1.1.0"): "measured"}), OLD), NEW)

    assert (world.git[STAGING], world.git[PRODUCTION]) == (OLD, OLD)
    assert world.rolled_back == [(STAGING, NEW.id)]


@pytest.mark.parametrize("kind", ["measured", "no-data", "unknown"])
def test_what_is_written_over_a_rollback_is_restored_each_time_and_is_no_second_rollback(kind: FailureKind) -> None:
    world = settled(Returning(policy=returning(automated=True), ends={("production", "1.1.0"): kind}), OLD)
    lived(world, NEW)

    for times in range(1, 4):
        world.write_over(NEW)
        for _ in range(6):
            world.round()
        assert (world.positions[PRODUCTION], world.git[PRODUCTION]) == (OLD, OLD)
        assert world.restored == [NEW.id] * times
    lived(world, NEWER)

    assert world.rolled_back == [(PRODUCTION, NEW.id)]
    assert world.positions[PRODUCTION] == world.git[PRODUCTION] == NEWER
    assert len(world.all_of(OpenIncident)) == 1 + 3
    assert len(world.known_failures) == 1


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["commit", "merge_request"]),
    st.sampled_from(KINDS),
    st.lists(st.booleans(), min_size=10, max_size=30),
)
def test_one_foreign_commit_is_answered_by_one_of_ours_at_most(way: str, kind: FailureKind, writes: list[bool]) -> None:
    # The world itself refuses a commit of ours that answers none of theirs.
    world = settled(Returning(policy=returning(way, automated=True), ends={("production", "1.1.0"): kind}), OLD)
    lived(world, NEW)

    for overwritten in writes:
        if overwritten:
            world.write_over(NEW)
        world.round()
    for _ in range(ENOUGH):
        world.round()
    quiet = world.writes
    world.round()

    assert (world.positions[PRODUCTION], world.git[PRODUCTION]) == (OLD, OLD)
    assert bool(world.restored) == any(writes)
    assert world.writes == quiet


VERSIONS = ("1.1.0", "1.2.0", "1.3.0-rc.1", "1.3.0", "2.0.0")


def live_randomly(seed: int) -> Returning:
    """A history of builds, failures, scans, lost events, refusals, reverts and commands."""
    dice = random.Random(seed)
    policy = returning(
        dice.choice(["commit", "merge_request"]),
        automated=dice.random() < 0.5,
        retry_after=dice.choice(["0s", "2m"]),
    )
    places = [(key.environment, version) for key in KEYS[1:] for version in VERSIONS]
    ends = {place: dice.choice(KINDS) for place in places if dice.random() < 0.4}
    world = settled(Returning(policy=policy, ends=ends), OLD)
    unbuilt = [release(version) for version in VERSIONS]
    for _ in range(8):
        happen(world, dice, unbuilt)
        for _ in range(dice.randrange(1, 9)):
            world.round()
    for _ in range(12):
        world.round()
    world.ran.clear()
    return world


def happen(world: Returning, dice: random.Random, unbuilt: list[Release]) -> None:
    """One thing, of those that happen."""
    key = dice.choice(KEYS[1:])
    gone = [p.release for p in world.known_promotions if p.key == PRODUCTION and p.state == "rolled_back"]
    if gone and world.is_automated(PRODUCTION) and dice.random() < 0.8:
        world.write_over(dice.choice(gone))
    match dice.randrange(8):
        case 0 | 1 | 2 if unbuilt:
            world.build(unbuilt.pop(0))
        case 3:
            for _ in range(dice.randrange(1, 20)):
                world.pass_time()
        case 4:
            world.person_closes(key)
        case 5:
            world.person_asks(key, deny=dice.random() < 0.5)
        case 6:
            world.person_allows(key, dice.choice(VERSIONS))
        case 7:
            for place in [place for place in world.ends if dice.random() < 0.3]:
                del world.ends[place]
        case _:
            world.rescan()


HISTORIES = int(os.environ.get("SLUICE_HISTORIES", "60"))
"""How many random histories are lived through; a thousand take about two minutes."""


def test_over_many_histories_nothing_denied_returns_and_nothing_is_taken_back_twice() -> None:
    # The world itself refuses a denied release, a way back to what was never healthy, and a second rollback.
    worlds = [live_randomly(seed) for seed in range(HISTORIES)]

    tries = [promotion for world in worlds for promotion in world.known_promotions]
    assert sum(len(world.rolled_back) for world in worlds) > HISTORIES, "too quiet to prove anything"
    assert sum(promotion.asked_again_at is not None for promotion in tries) > HISTORIES // 10
    assert sum(world.lifted for world in worlds) > HISTORIES // 20
    assert sum(len(world.restored) for world in worlds) > HISTORIES // 20
    assert not [world.asked for world in worlds if world.asked], "a person waits for an answer"
