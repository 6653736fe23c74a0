"""All rules together in a world that moves: whatever happens, releases arrive or say what they wait for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_simulation import KEYS, Simulation
from rule_worlds import DEV, NEW, NEWER, OLD, PRODUCTION, STAGING, STRANGER, policy_of, release

from bot.actions import ClosePromotion, MergePromotion, Outside, ProposePromotion, WriteCommitStatus, WriteDeployment
from bot.keys import EnvironmentKey

ENOUGH = 40
"""Rounds in which one release passes all environments many times over."""


def settled_world(**changes: object) -> Simulation:
    """Three environments that run 1.0.0, known as the baseline."""
    world = Simulation(**changes)  # type: ignore[arg-type]
    world.build(OLD)
    for key in KEYS:
        world.git[key] = OLD
    for _ in range(4):
        world.pass_time()
    world.round()
    world.round()
    return world


def test_the_first_sight_writes_nothing() -> None:
    world = settled_world()

    assert world.writes == 0
    assert {p.baseline for p in world.known_promotions} == {True}


def test_environments_behind_at_first_sight_are_a_baseline_too() -> None:
    world = Simulation()
    world.build(NEW)
    world.git |= {STAGING: OLD, PRODUCTION: release("0.9.0")}

    for _ in range(10):
        world.round()

    assert world.writes == 0
    assert {(p.key.environment, p.state) for p in world.known_promotions} == {
        ("dev", "done"),
        ("staging", "done"),
        ("production", "done"),
    }


def test_a_release_passes_all_environments_by_itself() -> None:
    world = settled_world()
    world.build(NEW)

    for _ in range(ENOUGH):
        world.round()

    assert {world.git[key] for key in KEYS} == {NEW}
    assert world.merged == [(STAGING, NEW.id), (PRODUCTION, NEW.id)]
    states = [(p.key.environment, p.state) for p in world.known_promotions if p.release == NEW]
    assert sorted(states) == [("dev", "done"), ("production", "done"), ("staging", "done")]


def test_one_promotion_costs_few_writes() -> None:
    world = settled_world()
    world.build(NEW)
    for _ in range(ENOUGH):
        world.round()

    assert world.writes <= 2 * 12
    assert world.statuses[f"status:demo/demo-service:{NEW.commit}:main:sluice/staging"] == ["running", "success"]


def test_a_quiet_world_is_left_alone() -> None:
    world = settled_world()
    world.build(NEW)
    for _ in range(ENOUGH):
        world.round()
    before = world.writes

    for _ in range(10):
        world.round()

    assert world.writes == before


def test_an_overtaken_release_is_said_to_be_contained() -> None:
    world = settled_world(policy=policy_of(staging={"soak": "3m"}))
    world.build(NEW)
    for _ in range(5):
        world.round()
    world.build(NEWER)
    for _ in range(ENOUGH):
        world.round()

    assert world.merged == [(STAGING, NEWER.id), (PRODUCTION, NEWER.id)]
    assert world.statuses[f"status:demo/demo-service:{NEW.commit}:main:sluice/staging"] == ["success"]
    contained = [
        s.because for s in world.all_of(WriteCommitStatus) if s.sha == NEW.commit and s.key.environment != "dev"
    ]
    assert contained == [f"contained in 1.2.0, which runs in {name}" for name in ("staging", "production")]


def test_an_ill_release_stops_where_it_is_ill() -> None:
    world = settled_world(ill={("staging", NEW.version)})
    world.build(NEW)

    for _ in range(ENOUGH):
        world.round()

    assert world.git[PRODUCTION] == OLD
    assert world.statuses[f"status:demo/demo-service:{NEW.commit}:main:sluice/staging"] == ["running", "failed"]
    assert "is not healthy in staging" in world.last_decision("promotion", PRODUCTION).because


def test_a_revert_by_a_person_is_not_undone() -> None:
    world = settled_world()
    world.build(NEW)
    for _ in range(ENOUGH):
        world.round()
    world.person_reverts(PRODUCTION, OLD)

    for _ in range(ENOUGH):
        world.round()

    assert world.git[PRODUCTION] == OLD
    newest = next(p for p in world.known_promotions if p.key == PRODUCTION)
    assert (newest.release, newest.state) == (OLD, "downgraded")
    assert "is not brought again by itself" in world.last_decision("promotion", PRODUCTION).because


def test_what_follows_a_reverted_release_still_comes() -> None:
    world = settled_world()
    world.build(NEW)
    for _ in range(ENOUGH):
        world.round()
    world.person_reverts(PRODUCTION, OLD)
    world.build(NEWER)

    for _ in range(ENOUGH):
        world.round()

    assert world.git[PRODUCTION] == NEWER


@pytest.mark.parametrize("delay", range(12))
def test_a_persons_no_is_respected(delay: int) -> None:
    world = settled_world()
    world.build(NEW)
    for _ in range(delay):
        world.round()
    world.person_closes(STAGING)

    for _ in range(ENOUGH):
        world.round()

    declined = [p for p in world.known_promotions if p.state == "declined"]
    assert len(declined) == len(world.refused)
    assert (world.git[STAGING] == OLD) == bool(world.refused)


@pytest.mark.parametrize("delay", range(12))
def test_a_persons_commit_is_never_overwritten_nor_merged(delay: int) -> None:
    world = settled_world()
    world.build(NEW)
    for _ in range(delay):
        world.round()
    touched = world.merge_requests.get(STAGING) is not None
    world.person_commits(STAGING)

    for _ in range(ENOUGH):
        world.round()

    assert (world.git[STAGING] == OLD) == touched
    if touched:
        assert "committed by a person" in world.last_decision("promotion", STAGING).because


OBSERVING = policy_of(dev={"mode": "observe"}, staging={"mode": "observe"}, production={"mode": "observe"})
QUIET = [
    pytest.param({"policy": OBSERVING}, id="observe"),
    pytest.param({"adopted": STRANGER}, id="not adopted"),
]


@pytest.mark.parametrize("changes", QUIET)
def test_nothing_is_written_where_only_observing_is_allowed(changes: dict[str, object]) -> None:
    world = settled_world(**changes)
    world.build(NEW)
    for _ in range(ENOUGH):
        world.round()
    world.person_reverts(STAGING, NEW)
    for _ in range(ENOUGH):
        world.round()

    assert world.writes == 0
    assert {ran.decision.kind for ran in world.ran} >= {"would"}


@pytest.mark.parametrize(
    ("how", "why"),
    [({"mode": "propose"}, "the mode of staging is propose"), ({"merge": "manual"}, "staging merges manually")],
)
def test_merging_is_left_to_people_where_the_policy_says_so(how: dict[str, object], why: str) -> None:
    world = settled_world(policy=policy_of(staging=how))
    world.build(NEW)

    for _ in range(ENOUGH):
        world.round()

    assert world.all_of(MergePromotion) == []
    assert world.merge_requests[STAGING].draft is False
    assert world.last_decision("promotion", STAGING).because == f"1.1.0 may land: a person merges !1, because {why}"


keys = st.sampled_from(KEYS[1:])
versions = st.sampled_from(["1.1.0", "1.2.0", "1.3.0", "2.0.0"])
steps = st.one_of(
    st.tuples(st.just("build"), versions),
    st.tuples(st.just("close"), keys),
    st.tuples(st.just("commit"), keys),
    st.tuples(st.just("revert"), keys),
    st.tuples(st.just("rounds"), st.integers(1, 12)),
)


def live_through(world: Simulation, happenings: list[tuple[str, object]]) -> None:
    """Everything that happens, and enough rounds in the end."""
    for what, detail in happenings:
        match what, detail:
            case "build", str(version):
                if version not in {known.version for known in world.history}:
                    world.build(release(version))
            case "close", EnvironmentKey() as key:
                world.person_closes(key)
            case "commit", EnvironmentKey() as key:
                world.person_commits(key)
            case "revert", EnvironmentKey() as key:
                world.person_reverts(key, OLD)
            case "rounds", int(count):
                for _ in range(count):
                    world.round()
            case _:
                raise AssertionError(f"nothing like {what} happens")
    for _ in range(ENOUGH):
        world.round()


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=12), st.sets(st.tuples(st.sampled_from(["dev", "staging", "production"]), versions)))
def test_every_environment_arrives_or_says_what_it_waits_for(
    happenings: list[tuple[str, object]], ill: set[tuple[str, str]]
) -> None:
    world = settled_world(ill=ill)

    live_through(world, happenings)
    before = world.writes
    world.round()

    assert world.writes == before, "it does not come to rest"
    for key in (STAGING, PRODUCTION):
        decision = world.last_decision("promotion", key)
        if decision.kind == "wait":
            assert " waits: " in decision.because
            continue
        assert decision.kind == "skip"
        declared = world.git[key]
        newer = [r for r in world.proven_for(key) if declared and r.release.version > declared.version]
        turned = {p.release.id for p in world.known_promotions if p.key == key and p.state not in ("waiting", "ready")}
        assert {r.release.id for r in newer} <= turned
        assert world.merge_requests.get(key) is None or not world.merge_requests[key].ours


@settings(max_examples=30, deadline=None)
@given(st.lists(steps, max_size=10), st.sets(st.tuples(st.sampled_from(["dev", "staging", "production"]), versions)))
def test_statuses_tell_only_roll_outs_and_never_the_same_twice(
    happenings: list[tuple[str, object]], ill: set[tuple[str, str]]
) -> None:
    world = settled_world(ill=ill)

    live_through(world, happenings)

    told = [*world.all_of(WriteCommitStatus), *world.all_of(WriteDeployment)]
    assert {status.state for status in told} <= {"running", "success", "failed"}
    assert not any(status.sha == OLD.commit for status in told if status.key == DEV)
    for ran in world.ran:
        for status in (a for a in ran.decision.actions if isinstance(a, WriteCommitStatus) and a.state == "running"):
            assert ran.facts.promotion.state == "applied"
            assert status.sha == ran.facts.promotion.release.commit


@settings(max_examples=20, deadline=None)
@given(st.lists(steps, max_size=10))
def test_deciding_again_gives_the_same_and_changes_nothing(happenings: list[tuple[str, object]]) -> None:
    world = settled_world()

    live_through(world, happenings)

    for ran in world.ran:
        assert ran.rule.decide(ran.facts, world.policy, ran.now) == ran.decision
        assert ran.decision.because


@settings(max_examples=20, deadline=None)
@given(st.lists(steps, max_size=10))
def test_would_and_skip_never_write(happenings: list[tuple[str, object]]) -> None:
    world = settled_world()

    live_through(world, happenings)

    for ran in world.ran:
        if ran.decision.kind in ("would", "skip", "hold"):
            assert not [action for action in ran.decision.actions if isinstance(action, Outside)]
    assert len(world.all_of(ClosePromotion)) <= len(world.all_of(ProposePromotion))
