"""The gate of approvals: who counts once, who does not, and when nobody is left who could."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promotion_worlds import READY, decided, told, world
from rule_worlds import (
    NEW,
    NEWER,
    NOW,
    STAGING,
    Memory,
    merge_request,
    of_type,
    only,
    outside,
    policy_of,
    promotion,
    request_of,
)

from bot.actions import Gate, MergePromotion, ProposePromotion, PublishGates, RecordPromotion
from bot.observing import Approval, Caller, Involved, PersonRole, Principal, Role
from config.policy import ApprovalsForm, GrantForm
from handlers.gates.approved import Ballot, judge

CHANGE = "a" * 40
MAINTAINERS = GrantForm.model_validate({"may": ("approve",), "roles": ("maintainer",)})


def person(number: int) -> Principal:
    """An account of GitLab."""
    return Principal(kind="gitlab", id=str(number), name=f"reviewer-{number}")


def approval(number: int = 1, **more: object) -> Approval:
    """A yes to 1.1.0 by command."""
    given_ = Approval(
        key=STAGING,
        release_id=NEW.id,
        change=CHANGE,
        principal=person(number),
        door="note",
        at=NOW,
        command=f"command-{number}",
    )
    return replace(given_, **more)  # type: ignore[arg-type]


def native(number: int = 1, role: Role = "maintainer", **more: object) -> Approval:
    """A yes to 1.1.0 given in GitLab, by somebody of that role."""
    by = replace(Caller(principal=person(number), role=role), **more)  # type: ignore[arg-type]
    return approval(number, command="", by=by)


def form(**fields: object) -> ApprovalsForm:
    """A policy's block; one approval unless said otherwise."""
    return ApprovalsForm.model_validate({"required": 1, **fields})


def ballot(*given_: Approval, involved: Involved | None = None, change: str = CHANGE, **fields: Any) -> Ballot:
    """What 1.1.0 into staging shows."""
    return Ballot(
        release_id=NEW.id,
        change=change,
        given=given_,
        involved=involved or Involved(),
        form=form(**fields),
        rights=(MAINTAINERS,),
    )


def part(role: PersonRole, number: int = 1) -> Involved:
    """A person is part of what is approved."""
    return Involved(people=((role, str(number)),), names=((str(number), f"reviewer-{number}"),))


def test_nothing_is_needed_where_the_policy_asks_for_nothing() -> None:
    assert judge(ballot(required=0)) == Gate(name="approved", verdict="green", because="nobody need approve it")


def test_it_waits_for_the_merge_request_to_show_what_it_changes() -> None:
    assert judge(ballot(approval(change=""), change="")).verdict == "waiting"


def test_who_approved_and_who_could_are_told() -> None:
    gate = judge(ballot(approval(), required=2))

    assert gate == Gate(
        name="approved",
        verdict="waiting",
        because="1 of 2 approved: reviewer-1; `/sluice approve` is for those who count: "
        "a maintainer of the application's project",
    )


@pytest.mark.parametrize("one", [approval(), native()])
def test_a_person_who_counts_opens_it(one: Approval) -> None:
    assert judge(ballot(one)) == Gate(name="approved", verdict="green", because="1 of 1 approved: reviewer-1")


VOID = [
    (approval(change="b" * 40), {}, "what it changes is not what it was"),
    (approval(release_id=NEWER.id), {}, "it was for another release"),
    (approval(principal=Principal(kind="token", id="ci", name="ci")), {}, "only accounts of GitLab count"),
    (approval(principal=Principal(kind="chat", id="T/U", name="someone")), {}, "only accounts of GitLab count"),
    (native(), {"native": False}, "the policy takes no approvals of GitLab's own"),
    (native(is_bot=True), {}, "bots and access tokens do not approve"),
    (native(ours=True), {}, "bots and access tokens do not approve"),
    (native(found=False), {}, "the account is gone or blocked"),
    (native(active=False), {}, "the account is gone or blocked"),
    (replace(native(), by=None), {}, "the account is gone or blocked"),
    (native(role="developer"), {}, "it takes a maintainer of the application's project"),
    (native(), {"from": {"users": ["reviewer-9"]}}, "it takes reviewer-9"),
]


@pytest.mark.parametrize(("one", "fields", "why"), VOID)
def test_a_yes_that_does_not_count_is_told_with_its_reason(one: Approval, fields: dict[str, Any], why: str) -> None:
    gate = judge(ballot(one, **fields))

    assert gate.verdict == "waiting"
    assert gate.because.startswith(f"0 of 1 approved; {one.principal.name}'s does not count: {why}")


@pytest.mark.parametrize("role", ["requester", "author", "committer", "merger", "last_pusher"])
def test_who_is_part_of_it_does_not_count(role: PersonRole) -> None:
    for one in (approval(), native()):
        assert judge(ballot(one, involved=part(role))).verdict == "waiting"
        assert judge(ballot(one, involved=part(role), exclude=[])).verdict == "green"
    assert judge(ballot(approval(2), involved=part(role))).verdict == "green"


def test_one_person_counts_once_whatever_the_way() -> None:
    assert judge(ballot(approval(), native(), approval(command="again"), required=2)).verdict == "waiting"
    assert judge(ballot(approval(), native(2), required=2)).verdict == "green"


def test_nobody_left_is_red() -> None:
    fields: dict[str, Any] = {"required": 2, "from": {"users": ["reviewer-1", "Reviewer-2"]}}

    left = judge(ballot(approval(), **fields))
    nobody = judge(ballot(approval(), involved=part("author", 2), **fields))

    assert (left.verdict, left.because.endswith("those who count: Reviewer-2")) == ("waiting", True)
    assert nobody.verdict == "red"
    assert "nobody eligible is left" in nobody.because


def test_commits_of_unknown_people_are_told() -> None:
    assert (
        "accounts wrote 2 of its commits is not known" in judge(ballot(involved=Involved(unknown=("a", "b")))).because
    )


GIVEN = st.lists(
    st.builds(
        lambda number, change, by_command: (
            approval(number, change=change) if by_command else replace(native(number), change=change)
        ),
        st.integers(1, 4),
        st.sampled_from([CHANGE, "b" * 40]),
        st.booleans(),
    ),
    max_size=8,
)
PARTS = st.lists(st.tuples(st.sampled_from(["requester", "author", "merger"]), st.integers(1, 4).map(str)), max_size=4)


@given(GIVEN, PARTS, st.integers(1, 4), st.randoms())
def test_it_opens_exactly_with_enough_different_people_who_are_no_part_of_it(
    approvals: list[Approval], parts: list[tuple[PersonRole, str]], required: int, random: object
) -> None:
    involved = Involved(people=tuple(parts))

    gate = judge(ballot(*approvals, involved=involved, required=required))

    people = {one.principal.id for one in approvals if one.change == CHANGE} - {person_ for _, person_ in parts}
    assert (gate.verdict == "green") == (len(people) >= required)
    assert judge(ballot(*reversed(approvals), involved=involved, required=required)).verdict == gate.verdict


OPENED = replace(READY, opened_at=NOW - timedelta(minutes=10))


def asking(*given_: Approval, request: bool = True, **fields: object) -> Memory:
    """1.1.0 waits for staging, whose policy asks for one approval."""
    policy = policy_of(staging={"approvals": {"required": 1, **fields}})
    found = merge_request(NEW, change=CHANGE) if request else None
    memory = world(found, *([OPENED] if request else []), policy=policy)
    memory.known_approvals = tuple(one for one in given_ if one.command)
    memory.known_native_approvals = tuple(one for one in given_ if not one.command)
    return memory


def gate_of(memory: Memory) -> Gate:
    """The gate as the promotion shows it."""
    (found,) = [gate for gate in decided(memory).gates if gate.name == "approved"]
    return found


def test_a_merge_request_is_opened_for_its_approvals_and_is_no_draft() -> None:
    proposal = only(decided(asking(request=False)), ProposePromotion)

    assert (proposal.release, proposal.draft) == (NEW, False)


def test_an_open_merge_request_stays_no_draft_while_it_waits_for_people() -> None:
    assert of_type(decided(asking()), ProposePromotion) == []


def test_nothing_is_merged_without_the_approval() -> None:
    memory = told(asking())

    assert outside(decided(memory)) == []
    assert of_type(decided(told(asking(approval()))), MergePromotion) != []


def test_the_status_waits_and_the_promotion_is_not_ready() -> None:
    decision = decided(asking())

    assert only(decision, PublishGates).state == "pending"
    record = only(decision, RecordPromotion).promotion
    assert (record.state, record.change) == ("waiting", CHANGE)


def test_the_change_that_was_seen_is_kept_with_the_promotion() -> None:
    assert only(decided(asking(approval())), RecordPromotion).promotion.change == CHANGE


def test_who_asked_for_it_does_not_approve_it() -> None:
    memory = asking(approval(1))
    memory.asked = (replace(request_of(STAGING, "promote", NEW.version), release_id=NEW.id, account="1"),)

    assert gate_of(memory).verdict == "waiting"
    assert gate_of(replace(memory, known_approvals=(approval(2),))).verdict == "green"


def test_an_override_opens_it_but_its_own_sentence_stays() -> None:
    memory = asking()
    memory.asked = (replace(request_of(STAGING, "promote", NEW.version), release_id=NEW.id, override=("approved",)),)

    gate = gate_of(memory)

    assert gate.verdict == "green"
    assert gate.because.startswith("overridden by maintainer: customers complain, to be reviewed until ")
    assert "(0 of 1 approved" in gate.because


def test_what_was_approved_before_it_came_again_is_approved_anew() -> None:
    earlier = approval(at=OPENED.opened_at - timedelta(seconds=1))

    assert gate_of(asking(earlier)).verdict == "waiting"


def test_approvals_of_another_proposal_on_the_branch_do_not_count() -> None:
    memory = asking(approval())
    memory.merge_requests = {STAGING: merge_request(NEWER, change=CHANGE)}

    assert gate_of(memory).verdict == "waiting"


def test_a_promotion_that_was_merged_without_its_approval_was_not_ready() -> None:
    record = only(decided(asking()), RecordPromotion).promotion
    memory = asking()
    memory.known_promotions = (record, *memory.known_promotions[1:])
    memory.merge_requests = {STAGING: merge_request(NEW, state="merged")}

    assert of_type(decided(memory), RecordPromotion) == []
    assert promotion(STAGING, NEW, record.state).state == "waiting"
