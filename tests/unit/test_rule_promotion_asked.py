"""Requests about promotions: one pins its release, passes over what it names, and none is left without an answer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    failure_of,
    hold_of,
    merge_request,
    of_type,
    only,
    outside,
    pin_of,
    policy_of,
    promotion,
    record,
    release,
    request_of,
    seen,
)

from bot.actions import (
    ClosePromotion,
    Decision,
    MergePromotion,
    ProposePromotion,
    RecordPromotion,
    RevokeApprovals,
    SettleRequest,
)
from bot.observing import Comparison, PromotionState, Release, Request
from handlers.gates import OVERRIDABLE

ANCIENT = release("0.9.0")


def asked(what: Release, **more: object) -> Request:
    """A person asked to promote exactly this a minute ago."""
    named = replace(request_of(STAGING, "promote", what.version), release_id=what.id, account="7")
    return replace(named, **more)  # type: ignore[arg-type]


def asking(*requests: Request, memory: Memory | None = None) -> Memory:
    """1.2.0 is the newest and healthy in dev, 1.1.0 was; staging runs 1.0.0."""
    found = memory or world(None, promotion(DEV, NEWER))
    found.known_releases = (record(NEWER), *found.known_releases, record(ANCIENT))
    found.asked = requests
    return found


def answers(decision: Decision) -> dict[str, tuple[str, str, str]]:
    """By request: outcome, code and sentence."""
    found = of_type(decision, SettleRequest)
    assert len({one.request.id for one in found}) == len(found)
    return {one.request.id: (one.outcome, one.code, one.because) for one in found}


def test_automation_brings_the_newest_where_nobody_asks() -> None:
    assert only(decided(asking()), ProposePromotion).release == NEWER


def test_a_request_pins_its_release_though_a_newer_one_is_proven() -> None:
    decision = decided(asking(asked(NEW)))

    proposal = only(decision, ProposePromotion)
    assert proposal.release == NEW
    assert proposal.because == "maintainer asked for it: customers complain; 1.1.0 is healthy in dev"
    assert answers(decision) == {}


def test_a_pinned_release_is_merged_by_the_policy_of_its_environment() -> None:
    ready = told(asking(asked(NEW), memory=world(merge_request(NEW), READY, promotion(DEV, NEWER))))
    manual = replace(ready, policy=policy_of(staging={"merge": "manual"}))

    assert only(decided(ready), MergePromotion).release == NEW
    assert of_type(decided(manual), MergePromotion) == []


def test_a_request_is_done_when_git_declares_its_release() -> None:
    memory = asking(asked(NEW))
    memory.environments[STAGING] = seen(STAGING, NEW)

    decision = decided(memory)

    assert answers(decision) == {asked(NEW).id: ("done", "ok", "Git declares 1.1.0 in staging")}
    assert decision.look_again is not None


def test_a_request_is_done_when_its_merge_request_is_merged_before_git_is_read() -> None:
    memory = asking(asked(NEW), memory=world(merge_request(NEW, state="merged"), READY))

    assert answers(decided(memory)) == {asked(NEW).id: ("done", "ok", "!3 is merged")}


def test_a_request_is_refused_when_a_person_closes_its_merge_request() -> None:
    memory = asking(asked(NEW), memory=world(merge_request(NEW, state="closed"), READY))

    decision = decided(memory)

    assert only(decision, RecordPromotion).promotion.state == "declined"
    assert answers(decision)[asked(NEW).id][:2] == ("refused", "declined")


def test_a_denied_release_is_refused_and_automation_goes_on() -> None:
    memory = asking(asked(NEW))
    governed(memory, denials=(denial_of(NEW),))

    decision = decided(memory)

    assert answers(decision)[asked(NEW).id][:2] == ("refused", "never_overridable")
    assert only(decision, ProposePromotion).release == NEWER


def test_a_release_that_a_pin_keeps_out_is_refused() -> None:
    memory = asking(asked(NEW))
    governed(memory, pin=pin_of(OLD, NEWER))

    assert answers(decided(memory))[asked(NEW).id][:2] == ("refused", "never_overridable")


def test_a_release_that_nobody_knows_any_more_is_refused() -> None:
    gone = asked(release("3.0.0"))

    assert answers(decided(asking(gone))) == {
        gone.id: ("refused", "unknown_name", "3.0.0 is no release of demo-service any more")
    }


@pytest.mark.parametrize("changes", [{"policy": policy_of(staging={"mode": "observe"})}, {"adopted": STRANGER}])
def test_where_nothing_may_be_written_a_request_is_refused(changes: dict[str, object]) -> None:
    decision = decided(replace(asking(asked(NEW)), **changes))  # type: ignore[arg-type]

    assert outside(decision) == []
    assert answers(decision)[asked(NEW).id][:2] == ("refused", "not_in_act_mode")


def test_an_environment_that_follows_its_build_refuses() -> None:
    memory = replace(asking(asked(NEW)), policy=policy_of(staging={"delivery": "observe"}))

    assert answers(decided(memory))[asked(NEW).id][:2] == ("refused", "nothing_to_do")


def test_what_flux_would_not_select_is_refused() -> None:
    memory = asking(asked(ANCIENT))
    automated = policy_of(staging={"delivery": "image_automation", "tag": "{version}-staging"})

    assert answers(decided(memory)) == {}
    assert answers(decided(replace(memory, policy=automated)))[asked(ANCIENT).id][:2] == (
        "refused",
        "never_overridable",
    )


def test_an_older_release_that_a_person_names_waits_for_what_it_would_lose() -> None:
    decision = decided(asking(asked(ANCIENT)))

    assert outside(decision) == []
    assert "0.9.0 is not newer than 1.0.0, and what it would lose is unknown" in decision.because


def test_an_older_release_comes_when_its_loss_is_passed_over() -> None:
    request = asked(ANCIENT, override=("loses-nothing",), skip=("dev",))

    assert only(decided(asking(request)), ProposePromotion).release == ANCIENT


def test_the_first_request_wins_over_a_later_one_for_something_else() -> None:
    first = asked(NEW, at=NOW - timedelta(minutes=5), id="first")
    second = asked(NEWER, id="second")

    decision = decided(asking(first, second))

    assert only(decision, ProposePromotion).release == NEW
    assert answers(decision) == {
        "second": ("refused", "conflict", "maintainer asked for 1.1.0 first; add --replace to ask for another instead")
    }


def test_a_request_that_replaces_ends_the_earlier_one() -> None:
    first = asked(NEW, at=NOW - timedelta(minutes=5), id="first")
    second = asked(NEWER, id="second", replace=True)

    decision = decided(asking(first, second))

    assert only(decision, ProposePromotion).release == NEWER
    assert answers(decision) == {"first": ("refused", "superseded", "maintainer asked for 1.2.0 instead")}


def test_requests_for_the_same_release_end_together() -> None:
    memory = asking(asked(NEW, id="a"), asked(NEW, id="b"))
    memory.environments[STAGING] = seen(STAGING, NEW)

    assert set(answers(decided(memory))) == {"a", "b"}


def test_the_next_request_takes_over_when_the_pinned_one_cannot_land() -> None:
    memory = asking(asked(NEW, id="denied"), asked(NEWER, id="next"))
    governed(memory, denials=(denial_of(NEW),))

    assert set(answers(decided(memory))) == {"denied"}


def shut(memory: Memory, gate: str) -> None:
    """Let exactly this gate stand against it."""
    match gate:
        case "healthy before":
            memory.known_promotions = ()
        case "no hold":
            memory.known_holds = (hold_of(STAGING),)
        case "target settled":
            memory.environments[STAGING] = seen(STAGING, OLD, cluster(OLD, "failed"))
        case _:
            lost = memory.comparisons[("1.0.0", "1.1.0")].brings
            memory.comparisons[("1.0.0", "1.1.0")] = Comparison(brings=(), loses=lost)


SHUT = ("healthy before", "no hold", "target settled", "loses nothing")


@pytest.mark.parametrize("gate", SHUT)
@pytest.mark.parametrize("named", SHUT)
def test_an_override_opens_exactly_the_gate_that_it_names(gate: str, named: str) -> None:
    memory = asking(asked(NEW, override=(named.replace(" ", "-"),)))
    shut(memory, gate)

    decision = decided(memory)

    verdicts = {one.name: one for one in decision.gates}
    assert verdicts[gate].verdict == ("green" if gate == named else verdicts[gate].verdict)
    assert bool(of_type(decision, ProposePromotion)) == (gate == named)
    if gate == named:
        told_ = f"overridden by maintainer: customers complain, to be reviewed until {NOW + timedelta(days=7):%Y-%m-%d}"
        assert verdicts[gate].because.startswith(told_)
        assert told_ in decision.because


@pytest.mark.parametrize("gate", ["not denied", "pin", "branch untouched", "merge proof", "nonsense"])
def test_other_gates_are_never_passed_over(gate: str) -> None:
    assert gate not in OVERRIDABLE
    memory = told(asking(asked(NEW, override=(gate,)), memory=world(merge_request(NEW, ours=False), READY)))

    assert {one.verdict for one in decided(memory).gates if one.name == "branch untouched"} == {"red"}


def test_an_override_of_holds_leaves_a_rollback_first() -> None:
    memory = asking(asked(NEW, override=("no hold",)), request_of(STAGING, "rollback"))

    assert outside(decided(memory)) == []


def test_an_override_of_health_does_not_let_a_denied_release_past() -> None:
    memory = asking(asked(NEW, override=("healthy before",), skip=("dev",)))
    memory.environments[DEV] = seen(DEV, NEW, denials=(denial_of(NEW),))

    decision = decided(memory)

    assert outside(decision) == []
    assert "1.1.0 is denied in dev" in decision.because


def test_a_skipped_environment_need_not_have_had_the_release() -> None:
    memory = asking(asked(NEW, skip=("dev",)))
    memory.known_promotions = (promotion(STAGING, OLD, baseline=True),)

    decision = decided(memory)

    assert only(decision, ProposePromotion).release == NEW
    assert f"dev is skipped by maintainer: customers complain, to be reviewed until {NOW:%Y-%m}" in decision.because


def test_automation_passes_over_nothing_that_a_person_asked_for_another_release() -> None:
    memory = asking(asked(NEWER, override=tuple(sorted(OVERRIDABLE)), skip=("dev",)))
    governed(memory, denials=(denial_of(NEWER),))
    memory.known_holds = (hold_of(STAGING),)

    decision = decided(memory)

    assert outside(decision) == []
    assert any(one.name == "no hold" and one.verdict == "red" for one in decision.gates)


def test_a_request_that_was_turned_down_passes_over_nothing_any_more() -> None:
    declined = promotion(STAGING, NEW, "declined", opened_at=NOW)
    memory = told(asking(asked(NEW, override=("no hold",)), memory=world(merge_request(NEW), declined)))
    memory.known_releases = (record(NEW), record(OLD, baseline=True))
    memory.known_holds = (hold_of(STAGING),)

    decision = decided(memory)

    assert answers(decision)[asked(NEW).id][:2] == ("refused", "declined")
    assert of_type(decision, MergePromotion) == []
    assert any(one.name == "no hold" and one.verdict == "red" for one in decision.gates)


REJECT = replace(request_of(STAGING, "reject"), id="reject", version=NEW.version, release_id=NEW.id)
CANCEL = replace(REJECT, id="cancel", kind="cancel")


def test_a_rejected_promotion_is_closed_declined_and_its_approvals_void() -> None:
    memory = asking(asked(NEW, at=NOW - timedelta(minutes=5)), REJECT, memory=world(merge_request(NEW), READY))

    decision = decided(memory)

    because = "maintainer rejected 1.1.0 for staging: customers complain"
    assert only(decision, ClosePromotion).because == because
    record_ = only(decision, RecordPromotion).promotion
    assert (record_.id, record_.state, record_.because) == (READY.id, "declined", because)
    assert only(decision, RevokeApprovals).principal == ""
    assert answers(decision) == {
        asked(NEW, at=NOW - timedelta(minutes=5)).id: ("refused", "declined", because),
        "reject": ("done", "ok", because),
    }


def test_a_rejected_release_does_not_come_again_by_itself() -> None:
    memory = asking(REJECT, memory=world(merge_request(NEW), READY))
    closed = only(decided(memory), RecordPromotion).promotion

    memory.asked = ()
    memory.known_releases = (record(NEW), record(OLD, baseline=True))
    memory.known_promotions = (closed, *memory.known_promotions[1:])
    memory.merge_requests = {STAGING: merge_request(NEW, state="closed", closed_by_bot=True)}

    assert outside(decided(memory)) == []


def test_a_rejected_release_comes_again_when_somebody_asks() -> None:
    declined = promotion(STAGING, NEW, "declined", opened_at=NOW - timedelta(hours=1))
    memory = asking(asked(NEW), memory=world(merge_request(NEW, state="closed", closed_by_bot=True), declined))

    assert only(decided(memory), ProposePromotion).release == NEW


def test_a_cancelled_request_closes_its_merge_request_and_ends() -> None:
    earlier = asked(NEW, at=NOW - timedelta(minutes=5), id="promote")

    decision = decided(asking(earlier, CANCEL, memory=world(merge_request(NEW), READY)))

    assert only(decision, ClosePromotion).merge_request == 3
    assert only(decision, RecordPromotion).promotion.state == "withdrawn"
    assert {name: one[:2] for name, one in answers(decision).items()} == {
        "promote": ("refused", "cancelled"),
        "cancel": ("done", "ok"),
    }


def test_a_request_without_a_merge_request_yet_is_cancelled_too() -> None:
    decision = decided(asking(asked(NEW, at=NOW - timedelta(minutes=5), id="promote"), CANCEL))

    assert outside(decision) == []
    assert set(answers(decision)) == {"promote", "cancel"}


def test_what_was_asked_for_after_a_cancellation_stays() -> None:
    later = asked(NEW, at=NOW, id="later")

    assert "later" not in answers(decided(asking(CANCEL, later, memory=world(merge_request(NEW), READY))))


@pytest.mark.parametrize("order", [REJECT, CANCEL])
def test_an_order_about_what_is_merged_is_refused(order: Request) -> None:
    memory = asking(order)
    memory.environments[STAGING] = seen(STAGING, NEW)

    outcome, code, because = answers(decided(memory))[order.id]

    assert (outcome, code) == ("refused", "nothing_to_do")
    assert "a rollback takes it back" in because


def test_an_order_about_another_release_than_the_one_that_waits_is_refused() -> None:
    waiting = promotion(STAGING, NEWER, "ready", merge_request=3)

    decision = decided(asking(REJECT, memory=world(merge_request(NEWER), waiting)))

    assert answers(decision)["reject"][:2] == ("refused", "release_changed")
    assert outside(decision) == []


def retry_of(what: Release) -> Request:
    """A person asked to try this one again."""
    return replace(request_of(STAGING, "retry"), id="retry", version=what.version, release_id=what.id)


@pytest.mark.parametrize("state", ["declined", "withdrawn", "failed", "rolled_back"])
def test_what_ended_badly_is_brought_again_when_somebody_asks(state: PromotionState) -> None:
    ended = promotion(STAGING, NEW, state, failure=failure_of("no-data"))
    memory = world(None, ended)
    assert outside(decided(memory)) == []
    memory.asked = (retry_of(NEW),)

    decision = decided(memory)

    again = only(decision, RecordPromotion).promotion
    assert (again.id, again.asked_again_at) == (ended.id, NOW)
    assert answers(decision)["retry"][:2] == ("done", "ok")
    memory.asked, memory.known_promotions = (), (again, *memory.known_promotions[1:])
    assert only(decided(memory), ProposePromotion).release == NEW


def test_a_denied_release_is_not_tried_again() -> None:
    memory = world(None, promotion(STAGING, NEW, "failed"))
    governed(memory, denials=(denial_of(NEW),))
    memory.asked = (retry_of(NEW),)

    assert answers(decided(memory))["retry"][:2] == ("refused", "never_overridable")


def test_what_a_person_took_back_is_not_tried_again() -> None:
    memory = world(None, promotion(STAGING, NEW, "rolled_back", failure=failure_of("unknown", "person")))
    memory.asked = (retry_of(NEW),)

    assert answers(decided(memory))["retry"][:2] == ("refused", "never_overridable")


@pytest.mark.parametrize("state", ["waiting", "ready", "merging", "applied", "done", "superseded", "bypassed"])
def test_what_did_not_end_badly_is_not_tried_again(state: PromotionState) -> None:
    memory = world(None, promotion(STAGING, NEW, state))
    memory.asked = (retry_of(NEW),)

    assert answers(decided(memory))["retry"][:2] == ("refused", "nothing_to_do")


def test_what_git_declares_is_not_tried_again() -> None:
    memory = world(None, promotion(STAGING, NEW, "failed"))
    memory.environments[STAGING] = seen(STAGING, NEW)
    memory.asked = (retry_of(NEW),)

    assert answers(decided(memory))["retry"][:2] == ("refused", "nothing_to_do")


KINDS = st.sampled_from(["promote", "promote", "cancel", "reject", "retry"])
REQUESTS = st.builds(
    lambda kind, what, minutes, replaces: replace(
        request_of(STAGING, kind, what.version, at=NOW - timedelta(minutes=minutes)),
        id=f"{kind}-{what.version}-{minutes}-{replaces}",
        release_id=what.id,
        replace=replaces,
    ),
    KINDS,
    st.sampled_from([NEW, NEWER, ANCIENT, OLD, release("7.0.0")]),
    st.integers(0, 9),
    st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REQUESTS, max_size=5, unique_by=lambda one: one.id), st.booleans(), st.booleans())
def test_every_order_ends_and_at_most_one_release_stays_pinned(
    requests: list[Request], opened: bool, denied: bool
) -> None:
    memory = asking(memory=world(merge_request(NEW) if opened else None, *([READY] if opened else [])))
    governed(memory, denials=(denial_of(NEWER),) if denied else ())
    left = sorted(requests, key=lambda one: one.at)
    for _ in range(12):
        memory.asked = tuple(left)
        decision = decided(memory)
        settled = answers(decision)
        left = [one for one in left if one.id not in settled]
        records = {one.promotion.id: one.promotion for one in of_type(decision, RecordPromotion)}
        kept = [records.pop(one.id, one) for one in memory.known_promotions]
        memory.known_promotions = (*records.values(), *kept)
        if of_type(decision, ClosePromotion):
            memory.merge_requests = {STAGING: merge_request(NEW, state="closed", closed_by_bot=True)}

    assert {one.kind for one in left} <= {"promote"}
    assert len({one.release_id for one in left}) <= 1
    assert (
        all(proposal.release.id in {one.release_id for one in left} for proposal in of_type(decision, ProposePromotion))
        or not left
    )
