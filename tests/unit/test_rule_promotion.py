"""A promotion opens, follows, merges or closes its one merge request exactly when it may, and says why when not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from promotion_worlds import READY, decided, governed, told, world
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    STAGING,
    STRANGER,
    Memory,
    cluster,
    denial_of,
    done,
    merge_request,
    of_type,
    only,
    outside,
    pin_of,
    policy_of,
    promotion,
    proof_of,
    record,
    release,
    seen,
)

from bot.actions import (
    ClosePromotion,
    Line,
    MergePromotion,
    ProposePromotion,
    PublishGates,
    RecordPromotion,
    WriteSticky,
)
from bot.observing import MergeRequestSeen
from config.policy import Policy
from handlers import promotion as rule
from handlers.landing import LOOK_AGAIN, LOOK_AGAIN_LATER
from handlers.promotion_facts import observe


def test_a_proven_release_is_proposed() -> None:
    proposal = only(decided(world()), ProposePromotion)

    assert (proposal.release, proposal.replaces, proposal.draft, proposal.rebuild) == (NEW, OLD, False, True)
    assert proposal.changes == (Line(sha="1" * 40, title="Greet by name"),)
    assert proposal.because == "1.1.0 is healthy in dev"


def test_a_proposed_release_is_known_from_then_on() -> None:
    found = only(decided(world()), RecordPromotion).promotion

    assert (found.release, found.state, found.opened_at) == (NEW, "ready", NOW)


def test_nothing_is_opened_while_time_or_health_is_missing() -> None:
    memory = replace(world(), known_promotions=(promotion(DEV, NEW, "applied"),))

    decision = decided(memory)

    assert outside(decision) == []
    assert (decision.kind, decision.look_again) == ("wait", LOOK_AGAIN_LATER)
    assert "1.1.0 is not healthy in dev" in decision.because


def test_an_environment_that_follows_the_build_gets_no_merge_request() -> None:
    memory = replace(world(), environments={DEV: seen(DEV, OLD)})

    decision = rule.decide(done(observe(DEV, memory)), memory.policy, NOW)

    assert (decision.kind, decision.actions) == ("skip", ())


def test_gates_are_published_on_the_head_before_anything_is_merged() -> None:
    decision = decided(world(merge_request(NEW), READY))

    status = only(decision, PublishGates)
    assert (status.sha, status.state, status.pipeline_id) == ("e" * 40, "success", 7)
    assert only(decision, WriteSticky).state == "ready"
    assert of_type(decision, MergePromotion) == []


def test_a_told_and_mergeable_request_is_merged_at_its_head() -> None:
    decision = decided(told(world(merge_request(NEW), READY)))

    merge = only(decision, MergePromotion)
    assert (merge.merge_request, merge.sha, merge.release) == (3, "e" * 40, NEW)
    assert decision.look_again == LOOK_AGAIN


UNMERGEABLE = [
    merge_request(NEW, draft=True),
    merge_request(NEW, ours=False),
    merge_request(OLD),
    *(merge_request(NEW, proof=proof_of(verdict)) for verdict in ("failed", "running", "missing", "none")),
    *(
        merge_request(NEW, status=status)
        for status in ("checking", "preparing", "conflict", "ci_must_pass", "not_approved", "something_new")
    ),
    merge_request(NEW, state="closed", closed_by_bot=True),
    merge_request(NEW, state="merged"),
    merge_request(NEW, state="locked"),
]


@pytest.mark.parametrize("request_seen", UNMERGEABLE)
def test_an_unready_request_is_never_merged(request_seen: MergeRequestSeen) -> None:
    assert of_type(decided(told(world(request_seen, READY))), MergePromotion) == []


@pytest.mark.parametrize(
    "policy",
    [
        policy_of(staging={"mode": "propose"}),
        policy_of(staging={"merge": "manual"}),
        policy_of(staging={"mode": "observe"}),
        policy_of(staging={"soak": "2h"}),
    ],
)
def test_a_policy_that_does_not_allow_it_stops_the_merge(policy: Policy) -> None:
    assert of_type(decided(told(world(merge_request(NEW), READY, policy=policy))), MergePromotion) == []


@pytest.mark.parametrize(
    ("memory", "why"),
    [
        (world(policy=policy_of(staging={"mode": "observe"})), "its mode is observe"),
        (replace(world(), adopted=STRANGER), STRANGER.because),
    ],
)
def test_what_would_be_done_is_said_and_not_done(memory: Memory, why: str) -> None:
    decision = decided(memory)

    assert (decision.kind, outside(decision)) == ("would", [])
    assert decision.because == f"would promote 1.1.0, but {why}; 1.1.0 waits: there is no merge request yet"


def test_a_red_gate_makes_the_request_a_draft() -> None:
    memory = world(merge_request(NEW), READY)
    memory.environments[STAGING] = seen(STAGING, OLD, cluster(OLD, "failed"))

    proposal = only(decided(memory), ProposePromotion)

    assert (proposal.draft, proposal.rebuild) == (True, False)


def test_a_draft_is_lifted_when_all_gates_are_green() -> None:
    proposal = only(decided(world(merge_request(NEW, draft=True), READY)), ProposePromotion)

    assert (proposal.draft, proposal.rebuild) == (False, False)


@pytest.mark.parametrize("status", ["conflict", "need_rebase"])
def test_a_branch_that_cannot_merge_is_built_anew(status: str) -> None:
    assert only(decided(world(merge_request(NEW, status=status), READY)), ProposePromotion).rebuild


def test_a_newer_release_takes_over_the_open_request() -> None:
    memory = world(merge_request(NEW), READY)
    memory.known_releases = (record(NEWER), *memory.known_releases)
    memory.known_promotions = (promotion(DEV, NEWER), *memory.known_promotions)

    decision = decided(memory)

    assert only(decision, ProposePromotion).release == NEWER
    states = {
        r.promotion.release: (r.promotion.state, r.promotion.merge_request) for r in of_type(decision, RecordPromotion)
    }
    assert states == {NEW: ("superseded", 3), NEWER: ("ready", 3)}


def test_a_persons_commit_is_left_alone_and_named() -> None:
    decision = decided(world(merge_request(NEW, ours=False), READY))

    assert outside(decision) == []
    assert "committed by a person: merge it yourself, or close" in decision.because


def test_a_request_closed_by_a_person_is_declined() -> None:
    decision = decided(world(merge_request(NEW, state="closed"), READY))

    assert only(decision, RecordPromotion).promotion.state == "declined"
    assert decision.because == "!3 was closed by a person: 1.1.0 is not asked for again by itself"


def test_a_declined_release_is_not_asked_for_again() -> None:
    decision = decided(world(None, replace(READY, state="declined", because="!3 was closed by a person")))

    assert (decision.kind, decision.actions) == ("skip", ())
    assert decision.because == "1.1.0 is not brought again by itself: !3 was closed by a person"


def test_a_reopened_request_is_taken_up_again() -> None:
    decision = decided(world(merge_request(NEW), replace(READY, state="declined")))

    found = only(decision, RecordPromotion).promotion
    assert (found.state, found.merge_request, found.id) != ("declined", 3, READY.id)
    assert only(decision, PublishGates).state == "success"


def test_a_request_the_bot_closed_is_no_refusal() -> None:
    decision = decided(world(merge_request(NEW, state="closed", closed_by_bot=True), READY))

    assert only(decision, ProposePromotion).release == NEW


def test_a_merged_request_is_waited_for_until_git_was_read() -> None:
    decision = decided(world(merge_request(NEW, state="merged", merged_revision="d" * 40), READY))

    found = only(decision, RecordPromotion).promotion
    assert (decision.kind, decision.look_again, outside(decision)) == ("wait", LOOK_AGAIN, [])
    assert (found.state, found.merged_revision) == ("merging", "d" * 40)


def test_what_a_person_wrote_beside_the_release_file_is_a_hold() -> None:
    memory = world(merge_request(NEW), READY)
    memory.environments[STAGING] = seen(STAGING, OLD, agrees=False)

    decision = decided(memory)

    assert (decision.kind, decision.actions) == ("hold", ())
    assert "make them agree to go on" in decision.because


def test_a_leftover_request_is_closed() -> None:
    memory = world(merge_request(NEW), READY)
    memory.environments[STAGING] = seen(STAGING, NEWER)

    decision = decided(memory)

    assert only(decision, ClosePromotion).because == "superseded: staging already has 1.2.0 in Git"
    assert only(decision, RecordPromotion).promotion.state == "superseded"


@pytest.mark.parametrize(
    "changes", [{"policy": policy_of(staging={"mode": "observe"})}, {"adopted": STRANGER}, {"merge_requests": {}}]
)
def test_a_leftover_request_is_left_where_nothing_may_be_written(changes: dict[str, object]) -> None:
    memory = world(merge_request(NEW), READY)
    memory.environments[STAGING] = seen(STAGING, NEWER)

    decision = decided(replace(memory, **changes))  # type: ignore[arg-type]

    assert (decision.kind, outside(decision)) == ("skip", [])


def test_a_persons_leftover_request_is_left_to_them() -> None:
    memory = world(merge_request(NEW, ours=False), READY)
    memory.environments[STAGING] = seen(STAGING, NEWER)

    assert outside(decided(memory)) == []


@pytest.mark.parametrize("version", ["0.9.0", "1.0.0", "1.0.0+x", "nightly"])
def test_nothing_older_or_incomparable_is_proposed(version: str) -> None:
    memory = world()
    other = release(version, build="x")
    memory.known_releases = (record(other),)
    memory.known_promotions = (promotion(DEV, other),)

    decision = decided(memory)

    assert (decision.kind, decision.because) == ("skip", "no release is newer than 1.0.0")


def test_a_release_that_left_is_not_brought_back() -> None:
    withdrawn = promotion(STAGING, NEW, "withdrawn", because="withdrawn: Git declares 1.0.0 now")

    assert outside(decided(world(None, withdrawn))) == []


def test_soaking_postpones_the_request() -> None:
    memory = world(policy=policy_of(staging={"soak": "2h"}))

    assert outside(decided(memory)) == []
    later = rule.decide(done(observe(STAGING, memory)), memory.policy, NOW + timedelta(hours=1))
    assert only(later, ProposePromotion).release == NEW


def test_the_status_says_what_is_missing_while_a_gate_waits() -> None:
    memory = world(merge_request(NEW, draft=True), READY)
    memory.environments[STAGING] = seen(STAGING, OLD, cluster(OLD, "progressing", attempt=NEW))

    status = only(decided(memory), PublishGates)

    assert (status.state, status.because) == ("pending", "staging is still rolling out 1.0.0")


def test_equal_facts_keep_the_record_as_it_is() -> None:
    memory = world(merge_request(NEW), READY)
    first = only(decided(memory), RecordPromotion).promotion
    memory.known_promotions = tuple(first if p.id == first.id else p for p in memory.known_promotions)

    assert of_type(decided(told(memory)), RecordPromotion) == []


def test_a_denied_release_is_never_chosen_and_its_open_request_is_closed() -> None:
    memory = world(merge_request(NEW), READY)
    governed(memory, denials=(denial_of(NEW),))

    decision = decided(memory)

    assert of_type(decision, ProposePromotion) == []
    assert only(decision, ClosePromotion).merge_request == 3


def test_a_pinned_environment_says_what_it_stays_at() -> None:
    memory = world()
    governed(memory, pin=pin_of(OLD, NEW))

    decision = decided(memory)

    assert (decision.kind, decision.because) == ("skip", "staging stays at 1.0.0: 1.1.0 failed")


def test_a_newer_release_follows_a_pinned_one() -> None:
    memory = world()
    memory.known_releases = (record(NEWER), *memory.known_releases)
    memory.known_promotions = (promotion(DEV, NEWER), *memory.known_promotions)
    governed(memory, pin=pin_of(OLD, NEW), denials=(denial_of(NEW),))

    assert only(decided(memory), ProposePromotion).release == NEWER


@pytest.mark.parametrize(
    ("how", "why"),
    [({"mode": "propose"}, "the mode of staging is propose"), ({"merge": "manual"}, "staging merges manually")],
)
def test_the_sentence_names_who_is_waited_for(how: dict[str, object], why: str) -> None:
    decision = decided(told(world(merge_request(NEW), READY, policy=policy_of(staging=how))))

    assert decision.because == f"1.1.0 may land: a person merges !3, because {why}"
