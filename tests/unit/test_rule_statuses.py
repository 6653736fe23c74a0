"""The commit says where it runs from the roll-out on: running, then how it ended, each state once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    PROJECT,
    STAGING,
    STRANGER,
    Memory,
    commit_of,
    done,
    of_type,
    only,
    outside,
    policy_of,
    promotion,
    record,
)

from bot.actions import Decision, WriteCommitStatus, WriteDeployment, digest
from bot.observing import Change, Comparison, Promotion, PromotionState
from config.policy import Policy
from handlers import deployments, statuses
from handlers.shipping import state_of

BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1), baseline=True)
LANDED = promotion(STAGING, NEWER, "applied", merge_request=3, because="1.2.0 is being rolled out")


def world(*promotions: Promotion, policy: Policy | None = None) -> Memory:
    """1.0.0 was there first; every commit has a pipeline, and 1.2.0 contains 1.1.0."""
    brings = tuple(Change(sha=what.commit, title=what.version) for what in (NEW, NEWER))
    return Memory(
        policy=policy or policy_of(),
        known_promotions=(*promotions, BEFORE),
        known_releases=(record(NEWER), record(NEW), record(OLD, baseline=True)),
        commits={what.commit: commit_of(what) for what in (OLD, NEW, NEWER)},
        comparisons={("1.0.0", "1.2.0"): Comparison(brings=brings, loses=())},
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


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("waiting", None),
        ("ready", None),
        ("merging", None),
        ("applied", "running"),
        ("failed", "failed"),
        ("rolled_back", "failed"),
        ("done", "success"),
        ("superseded", None),
        ("withdrawn", None),
        ("declined", None),
        ("bypassed", None),
        ("downgraded", None),
    ],
)
def test_only_a_roll_out_is_told(state: PromotionState, shown: str | None) -> None:
    assert state_of(promotion(STAGING, NEW, state)) == shown


@pytest.mark.parametrize("state", ["bypassed", "downgraded", "superseded"])
def test_what_was_healthy_is_told_however_it_came(state: PromotionState) -> None:
    assert state_of(promotion(STAGING, NEW, state, healthy=timedelta())) == "success"


def test_what_was_taken_back_has_failed_even_if_it_was_healthy() -> None:
    assert state_of(promotion(STAGING, NEW, "rolled_back", healthy=timedelta(hours=1))) == "failed"


def test_a_roll_out_is_running_on_its_commit() -> None:
    written = only(status(world(LANDED)), WriteCommitStatus)

    assert (written.project, written.sha, written.ref, written.pipeline_id) == (PROJECT, NEWER.commit, "main", 40)
    assert (written.name, written.state, written.because) == ("sluice/staging", "running", LANDED.because)


def test_a_deployment_is_made_for_the_promotion() -> None:
    written = only(deployment(world(LANDED)), WriteDeployment)

    assert (written.environment, written.sha, written.promotion) == ("staging", NEWER.commit, LANDED.id)
    assert (written.state, written.tier, written.opened_at) == ("running", None, LANDED.opened_at)


def test_the_same_is_never_said_twice() -> None:
    memory = told(world(LANDED))

    for decision in (status(memory), deployment(memory)):
        assert (decision.kind, decision.actions) == ("skip", ())


def test_the_end_is_said_after_the_beginning() -> None:
    memory = told(world(LANDED))
    memory.known_promotions = (replace(LANDED, state="failed"), BEFORE)

    assert only(status(memory), WriteCommitStatus).state == "failed"
    assert only(deployment(memory), WriteDeployment).state == "failed"


@pytest.mark.parametrize("state", ["waiting", "ready", "merging"])
def test_nothing_is_said_before_the_roll_out(state: PromotionState) -> None:
    memory = world(replace(LANDED, state=state))

    assert (status(memory).actions, deployment(memory).actions) == ((), ())


def test_a_baseline_says_nothing() -> None:
    for decision in (status(world()), deployment(world())):
        assert (decision.kind, decision.because) == ("skip", "nothing was rolled out here since the baseline")


def test_skipped_commits_are_said_to_be_contained() -> None:
    memory = world(replace(LANDED, state="done", healthy_at=NOW))

    written = of_type(status(memory), WriteCommitStatus)

    assert [(s.sha, s.state) for s in written] == [(NEWER.commit, "success"), (NEW.commit, "success")]
    assert written[1].because == "contained in 1.2.0, which runs in staging"


def test_a_release_of_another_line_of_history_is_not_contained() -> None:
    memory = world(replace(LANDED, state="done", healthy_at=NOW))
    only_itself = (Change(sha=NEWER.commit, title="1.2.0"),)
    memory.comparisons[("1.0.0", "1.2.0")] = Comparison(brings=only_itself, loses=())

    assert [s.sha for s in of_type(status(memory), WriteCommitStatus)] == [NEWER.commit]


def test_nothing_is_contained_before_the_release_is_healthy() -> None:
    assert [s.sha for s in of_type(status(world(LANDED)), WriteCommitStatus)] == [NEWER.commit]


def test_a_commit_that_rolled_out_itself_is_not_spoken_for() -> None:
    failed = promotion(STAGING, NEW, "failed", opened_at=NOW - timedelta(hours=2))
    memory = world(replace(LANDED, state="done", healthy_at=NOW), failed)

    assert [s.sha for s in of_type(status(memory), WriteCommitStatus)] == [NEWER.commit]


def test_without_a_known_history_no_commit_is_spoken_for() -> None:
    memory = replace(world(replace(LANDED, state="done", healthy_at=NOW)), comparisons={})

    assert [s.sha for s in of_type(status(memory), WriteCommitStatus)] == [NEWER.commit]


def test_a_commit_without_a_pipeline_gets_no_status() -> None:
    memory = world(LANDED)
    memory.commits[NEWER.commit] = commit_of(NEWER, pipeline_id=None)

    decision = status(memory)

    assert (decision.kind, decision.actions) == ("skip", ())
    assert decision.because == (
        "the commit of 1.2.0 has no pipeline, and a status would make one: "
        "wait for one, or set no_pipeline: allow in policy.yaml"
    )


def test_a_policy_may_allow_a_status_without_a_pipeline() -> None:
    memory = world(LANDED, policy=policy_of(staging={"no_pipeline": "allow"}))
    memory.commits[NEWER.commit] = commit_of(NEWER, pipeline_id=None)

    assert only(status(memory), WriteCommitStatus).pipeline_id is None


def test_a_deployment_needs_no_pipeline() -> None:
    memory = world(LANDED)
    memory.commits[NEWER.commit] = commit_of(NEWER, pipeline_id=None)

    assert only(deployment(memory), WriteDeployment).sha == NEWER.commit


@pytest.mark.parametrize("changes", [{"adopted": STRANGER}, {"policy": policy_of(staging={"mode": "observe"})}])
def test_what_would_be_said_is_not_said_where_only_observing_is_allowed(changes: dict[str, object]) -> None:
    memory = replace(world(LANDED), **changes)  # type: ignore[arg-type]

    for decision in (status(memory), deployment(memory)):
        assert (decision.kind, decision.actions) == ("would", ())


@pytest.mark.parametrize("setting", ["off", "deployments_only"])
def test_statuses_can_be_switched_off(setting: str) -> None:
    memory = world(LANDED, policy=policy_of(staging={"statuses": setting}))

    assert (status(memory).kind, status(memory).actions) == ("skip", ())
    assert only(deployment(memory), WriteDeployment).state == "running"


def test_deployments_can_be_switched_off() -> None:
    memory = world(LANDED, policy=policy_of(staging={"deployments": "off"}))

    assert (deployment(memory).kind, deployment(memory).actions) == ("skip", ())
    assert only(status(memory), WriteCommitStatus).state == "running"


@pytest.mark.parametrize("commit", ["", "unknown to GitLab"])
def test_an_unknown_commit_is_said_to_be_unknown(commit: str) -> None:
    memory = world(replace(LANDED, release=replace(NEWER, commit=commit)))

    assert (status(memory).kind, status(memory).because) == ("skip", "the commit of 1.2.0 is not known to GitLab")
    assert (deployment(memory).kind, deployment(memory).actions) == ("skip", ())


def test_another_environments_roll_out_says_nothing_here() -> None:
    assert status(world(promotion(DEV, NEWER, "applied"))).actions == ()
