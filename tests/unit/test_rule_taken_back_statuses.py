"""After a rollback the bad commit has failed, the old one is left, and nothing says `running` for ever."""

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
    commit_of,
    done,
    failure_of,
    of_type,
    only,
    outside,
    policy_of,
    promotion,
    record,
    release,
)

from bot.actions import Decision, WriteCommitStatus, WriteDeployment, digest
from bot.observing import Change, Comparison, EnvironmentState, Promotion, PromotionState, Release
from handlers import deployments, statuses
from handlers.shipping import LEFT_BEHIND, left_behind

BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1))
BASELINE = replace(BEFORE, baseline=True)
GONE = replace(
    promotion(STAGING, NEW, "rolled_back", merge_request=3, opened_at=NOW - timedelta(hours=2)), failure=failure_of()
)


def world(*promotions: Promotion) -> Memory:
    """Every commit has a pipeline."""
    return Memory(
        policy=policy_of(),
        known_promotions=promotions,
        known_releases=(record(NEWER), record(NEW), record(OLD)),
        commits={what.commit: commit_of(what) for what in (OLD, NEW, NEWER)},
    )


def status(memory: Memory) -> Decision:
    """What the statuses' rule decides."""
    return statuses.decide(done(statuses.observe(STAGING, memory)), memory.policy, NOW)


def deployment(memory: Memory) -> Decision:
    """What the deployments' rule decides."""
    return deployments.decide(done(deployments.observe(STAGING, memory)), memory.policy, NOW)


def told(memory: Memory) -> Memory:
    """The same world after all was written."""
    for action in (*outside(status(memory)), *outside(deployment(memory))):
        memory.effects[action.effect_key] = digest(action)
    return memory


def state(what: Release, *, ever_healthy: bool) -> EnvironmentState:
    """A cluster as it was last recorded."""
    return EnvironmentState(
        key=STAGING,
        cluster="one",
        release_id=what.id,
        version=what.version,
        revision="c" * 40,
        health="healthy" if ever_healthy else "progressing",
        ever_healthy=ever_healthy,
        because="as it was",
        since=NOW,
    )


def running(what: Release, *before: Promotion) -> Memory:
    """A world that was told that a release rolls out."""
    return told(world(promotion(STAGING, what, "applied", opened_at=NOW - timedelta(minutes=30)), *before))


@pytest.mark.parametrize("healthy", [None, timedelta(hours=1)])
def test_the_commit_of_what_was_taken_back_has_failed(healthy: timedelta | None) -> None:
    gone = replace(GONE, healthy_at=None if healthy is None else NOW - healthy)

    written = only(status(world(gone, BEFORE)), WriteCommitStatus)

    assert (written.sha, written.state) == (NEW.commit, "failed")


def test_the_release_that_runs_again_keeps_its_status() -> None:
    memory = told(world(BEFORE))
    memory.known_promotions = (GONE, BEFORE)

    assert [one.sha for one in of_type(status(memory), WriteCommitStatus)] == [NEW.commit]


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ((state(OLD, ever_healthy=True),), "success"),
        ((state(OLD, ever_healthy=False),), "running"),
        ((state(NEW, ever_healthy=True),), "running"),
        ((), "running"),
    ],
)
def test_the_environment_page_shows_what_runs_again(states: tuple[EnvironmentState, ...], shown: str) -> None:
    memory = replace(world(GONE, BEFORE), known_states=states)

    bad, again = of_type(deployment(memory), WriteDeployment)

    assert (bad.sha, bad.state, bad.promotion) == (NEW.commit, "failed", GONE.id)
    assert (again.sha, again.state, again.promotion) == (OLD.commit, shown, f"{BEFORE.id}:{GONE.id}")
    assert again.opened_at == failure_of().at
    assert again.because == "1.0.0 runs again since 1.1.0 was taken back"


def test_what_runs_again_is_never_said_to_roll_out_once_more() -> None:
    memory = told(replace(world(GONE, BEFORE), known_states=(state(OLD, ever_healthy=True),)))
    memory.known_states = (state(NEWER, ever_healthy=False),)

    assert deployment(memory).actions == ()


def test_after_the_next_release_the_rollback_is_history() -> None:
    memory = told(world(GONE, BEFORE))
    memory.known_promotions = (promotion(STAGING, NEWER, "applied", opened_at=NOW), GONE, BEFORE)

    assert [one.sha for one in of_type(deployment(memory), WriteDeployment)] == [NEWER.commit]
    assert [one.sha for one in of_type(status(memory), WriteCommitStatus)] == [NEWER.commit]


@pytest.mark.parametrize("before", [BEFORE, BASELINE])
def test_a_roll_out_that_git_went_back_from_ends_as_failed(before: Promotion) -> None:
    memory = running(NEW, before)
    memory.known_promotions = (replace(memory.known_promotions[0], state="withdrawn"), before)

    [written] = [one for one in of_type(status(memory), WriteCommitStatus) if one.sha == NEW.commit]
    [shown] = [one for one in of_type(deployment(memory), WriteDeployment) if one.sha == NEW.commit]

    assert (written.state, shown.state) == ("failed", "failed")
    assert written.because == "1.1.0 was overtaken before it was healthy in staging"


def overtaken(end: PromotionState) -> Memory:
    """1.1.0 was rolling out when 1.2.0 landed, which ended so."""
    memory = running(NEW, BEFORE)
    later = promotion(STAGING, NEWER, end, opened_at=NOW)
    memory.known_promotions = (later, replace(memory.known_promotions[0], state="superseded"), BEFORE)
    return memory


def test_an_overtaken_roll_out_waits_for_the_one_that_overtook_it() -> None:
    assert [one.sha for one in of_type(status(overtaken("applied")), WriteCommitStatus)] == [NEWER.commit]


@pytest.mark.parametrize(("contained", "state"), [(True, "success"), (False, "failed")])
def test_an_overtaken_roll_out_ends_with_the_one_that_overtook_it(contained: bool, state: str) -> None:
    memory = overtaken("done")
    brings = (NEW, NEWER) if contained else (NEWER,)
    changes = tuple(Change(sha=what.commit, title=what.version) for what in brings)
    memory.comparisons[("1.0.0", "1.2.0")] = Comparison(brings=changes, loses=())

    written = {one.sha: one.state for one in of_type(status(memory), WriteCommitStatus)}

    assert written == {NEWER.commit: "success", NEW.commit: state}


@pytest.mark.parametrize("end", ["failed", "rolled_back"])
def test_an_overtaken_roll_out_fails_with_what_overtook_it(end: PromotionState) -> None:
    written = {one.sha: one.state for one in of_type(status(overtaken(end)), WriteCommitStatus)}

    assert written == {NEWER.commit: "failed", NEW.commit: "failed"}


@pytest.mark.parametrize("end", ["done", "failed", "rolled_back"])
def test_the_end_is_said_once(end: PromotionState) -> None:
    memory = told(overtaken(end))

    assert (status(memory).actions, deployment(memory).actions) == ((), ())


def test_what_never_rolled_out_is_not_said_to_have_failed() -> None:
    never = promotion(STAGING, NEW, "superseded", opened_at=NOW - timedelta(minutes=30))
    memory = world(promotion(STAGING, NEWER, "failed", opened_at=NOW), never, BEFORE)

    assert [one.sha for one in of_type(status(memory), WriteCommitStatus)] == [NEWER.commit]
    assert [one.sha for one in of_type(deployment(memory), WriteDeployment)] == [NEWER.commit]


def test_few_of_many_overtaken_are_asked_after() -> None:
    many = [promotion(STAGING, release(f"1.0.{n}"), "superseded") for n in range(9, 0, -1)]

    found = left_behind("staging", (*many, BEFORE))

    assert found == tuple(many[:LEFT_BEHIND])


ends = st.sampled_from(["applied", "done", "failed", "rolled_back", "superseded", "withdrawn", "waiting"])


@given(st.lists(st.tuples(st.sampled_from([OLD, NEW, NEWER]), ends), max_size=5))
def test_every_story_is_told_to_its_end_once(lived: list[tuple[Release, PromotionState]]) -> None:
    memory, attempts, said = world(), list[Promotion](), dict[str, str]()

    def tell() -> None:
        for action in (*outside(status(memory)), *outside(deployment(memory))):
            assert isinstance(action, WriteCommitStatus | WriteDeployment)
            memory.effects[action.effect_key], said[action.effect_key] = digest(action), action.state

    for number, (what, end) in enumerate(lived):
        attempt = sum(one.release == what for one in attempts)
        opened_at = NOW - timedelta(hours=len(lived) - number)
        begun = promotion(STAGING, what, "applied", attempt=attempt, opened_at=opened_at)
        memory.known_promotions = (begun, *attempts)
        tell()
        attempts.insert(0, replace(begun, state=end, healthy_at=opened_at if end == "done" else None))
        memory.known_promotions = tuple(attempts)
        tell()

    assert (status(memory).actions, deployment(memory).actions) == ((), ())
    under_way = {"applied", "waiting"} & {end for _, end in lived}
    back = {key for key in said if key.rpartition(":")[0].endswith(tuple(one.id for one in attempts))}
    assert under_way or "running" not in {state for key, state in said.items() if key not in back}
