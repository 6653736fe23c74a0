"""Git goes back by a commit, else by a merge request merged at once, else people are called: never twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rollback_worlds import (
    BEFORE,
    FAILED,
    WAY_COMMIT,
    WAY_PEOPLE,
    WAY_REQUEST,
    decided,
    world,
    written,
)
from rule_worlds import (
    MAY_NOT_PUSH,
    MAY_PUSH,
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STRANGER,
    Memory,
    failure_of,
    merge_request,
    of_type,
    only,
    outside,
    policy_of,
    proof_of,
)

from bot.actions import (
    MergeRollback,
    RollBack,
)
from bot.observing import (
    ProofVerdict,
    Rights,
)
from handlers.ways import LOOK_AGAIN, LOOK_AGAIN_LATER


def merging(**changes: object) -> Memory:
    """The rollback is asked for by a merge request, and GitLab knows it as it should be."""
    memory = world(policy=policy_of(production=WAY_REQUEST))
    written(memory)
    memory.rollback_requests[PRODUCTION] = replace(RETURN, **changes)  # type: ignore[arg-type]
    return memory


RETURN = merge_request(OLD, iid=9, release_id=NEW.id)


@pytest.mark.parametrize(
    ("policy", "rights", "way", "people"),
    [
        ({}, MAY_PUSH, "commit", ()),
        ({}, MAY_NOT_PUSH, "merge_request", ()),
        (WAY_REQUEST, MAY_PUSH, "merge_request", ()),
        (WAY_PEOPLE, MAY_PUSH, "merge_request", ("maintainer",)),
        ({"mode": "propose", **WAY_COMMIT}, MAY_PUSH, "merge_request", ("maintainer",)),
    ],
)
def test_git_goes_back_by_the_way_that_is_open(
    policy: dict[str, object], rights: Rights, way: str, people: tuple[str, ...]
) -> None:
    memory = world(policy=policy_of(production=policy))
    memory.known_rights = rights

    change = only(decided(memory), RollBack)

    assert (change.way, change.people) == (way, people)


@pytest.mark.parametrize(
    ("memory", "why"),
    [
        (world(policy=policy_of(production={"mode": "observe"})), "its mode is observe"),
        (replace(world(), adopted=STRANGER), STRANGER.because),
    ],
)
def test_where_only_observing_is_allowed_nothing_is_taken_back(memory: Memory, why: str) -> None:
    decision = decided(memory)

    assert (decision.kind, outside(decision)) == ("would", [])
    assert decision.because.startswith(f"would take 1.1.0 back to 1.0.0, but {why}; 1.1.0 failed in production: ")
    assert decision.gates


def test_observing_pages_nobody() -> None:
    memory = world(policy=policy_of(production={"mode": "observe"}))
    memory.known_promotions = (FAILED,)

    decision = decided(memory)

    assert (decision.kind, outside(decision)) == ("would", [])


def test_what_was_written_is_not_written_again_while_git_is_read() -> None:
    decision = decided(written(world()))

    assert (decision.kind, outside(decision), decision.look_again) == ("wait", [], LOOK_AGAIN_LATER)
    assert "Git is being read" in decision.because


def test_a_mergeable_rollback_is_merged_at_its_head() -> None:
    decision = decided(merging())

    merge = only(decision, MergeRollback)
    assert (merge.merge_request, merge.sha, merge.release) == (9, "e" * 40, NEW)
    assert outside(decision) == [merge]


def test_no_pipeline_is_waited_for_when_gitlab_asks_for_none() -> None:
    assert len(of_type(decided(merging(proof=proof_of("failed"))), MergeRollback)) == 1


@pytest.mark.parametrize("status", ["checking", "preparing", "unchecked", "ci_still_running", "approvals_syncing"])
def test_a_rollback_that_gitlab_still_checks_is_looked_at_soon(status: str) -> None:
    decision = decided(merging(status=status))

    assert (outside(decision), decision.look_again) == ([], LOOK_AGAIN)
    assert f"as soon as GitLab lets !9 be merged: it says {status}" in decision.because


@pytest.mark.parametrize("status", ["not_approved", "discussions_not_resolved", "something_new", "blocked_status"])
def test_people_are_mentioned_once_when_gitlab_refuses_the_merge(status: str) -> None:
    memory = merging(status=status)

    called = only(decided(memory), RollBack)
    after = decided(written(memory))

    assert (called.people, called.way) == (("maintainer",), "merge_request")
    assert (outside(after), after.look_again) == ([], LOOK_AGAIN_LATER)


def test_people_stay_mentioned_when_gitlab_checks_again() -> None:
    memory = written(merging(status="not_approved"))
    memory.rollback_requests[PRODUCTION] = replace(RETURN, status="checking")

    assert outside(decided(memory)) == []


def test_a_rollback_that_takes_long_is_told_to_people_and_still_merged() -> None:
    memory = world(replace(FAILED, failure=failure_of(at=NOW - timedelta(minutes=6))), BEFORE)
    memory.policy = policy_of(production=WAY_REQUEST)
    written(memory)
    memory.rollback_requests[PRODUCTION] = RETURN

    assert only(decided(memory), RollBack).people == ("maintainer",)
    assert len(of_type(decided(written(memory)), MergeRollback)) == 1


@pytest.mark.parametrize(("proof", "called"), [("running", 0), ("missing", 0), ("failed", 1), ("none", 1)])
def test_a_pipeline_that_has_to_pass_is_given_its_time(proof: ProofVerdict, called: int) -> None:
    decision = decided(merging(status="ci_must_pass", proof=proof_of(proof)))

    assert len(of_type(decision, RollBack)) == called


STALE: list[dict[str, object]] = [
    {"status": "conflict"},
    {"status": "need_rebase"},
    {"proposes": NEWER},
    {"proposes": None},
    {"release_id": NEWER.id},
    {"release_id": ""},
]


@pytest.mark.parametrize("changed", STALE)
def test_a_branch_that_says_something_else_is_built_anew(changed: dict[str, object]) -> None:
    decision = decided(merging(**changed))

    assert (len(of_type(decision, RollBack)), of_type(decision, MergeRollback)) == (1, [])


def test_a_persons_commit_on_the_rollback_is_left_alone() -> None:
    decision = decided(merging(ours=False))

    assert (decision.kind, outside(decision)) == ("wait", [])
    assert "a person committed to !9" in decision.because


@pytest.mark.parametrize("policy", [WAY_PEOPLE, {"mode": "propose", **WAY_COMMIT}])
def test_where_people_merge_the_bot_never_does(policy: dict[str, object]) -> None:
    memory = world(policy=policy_of(production=policy))
    written(memory)
    memory.rollback_requests[PRODUCTION] = RETURN

    decision = decided(memory)

    assert (decision.kind, outside(decision), decision.look_again) == ("wait", [], LOOK_AGAIN_LATER)
    assert "as soon as a person merges !9" in decision.because


def test_a_draft_is_left_to_who_made_it_one() -> None:
    assert outside(decided(merging(draft=True))) == []
