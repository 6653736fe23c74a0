"""A person's request is carried out where it can be, and answered with a sentence where it cannot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rollback_worlds import (
    BEFORE,
    FAILED,
    FLAWS,
    PIN,
    ROLLED_BACK,
    WAY_COMMIT,
    WAY_PEOPLE,
    WAY_REQUEST,
    decided,
    stands,
    world,
    written,
)
from rule_worlds import (
    MAY_NOT_PUSH,
    NEW,
    NEWER,
    NOW,
    OLD,
    POLICY,
    PRODUCTION,
    STRANGER,
    Memory,
    canary_of,
    cluster,
    denial_of,
    merge_request,
    of_type,
    only,
    outside,
    pin_of,
    policy_of,
    promotion,
    request_of,
    seen,
)

from bot.actions import (
    MergeRollback,
    OpenIncident,
    RecordPromotion,
    RevokeDenial,
    RollBack,
    SettleRequest,
)
from bot.observing import CanaryPhase, MergeRequestSeen, PromotionState, Request
from config.policy import Policy
from handlers import rollback
from handlers.rollback_facts import RollbackFacts
from handlers.ways import LOOK_AGAIN

ASKED = request_of(PRODUCTION)
ALLOWED = request_of(PRODUCTION, "allow", "1.1.0")
OVERRIDDEN = (
    "the policy says no",
    "another cause",
    "long ago",
    "only a newer one was healthy",
    "many fail",
    "a migration",
    "a list cut short",
    "nobody knows the files",
    "a mark",
    "a cluster still tries",
    "a cluster is silent",
    "Flux tries again",
    "the manifests lag",
)
REFUSED = (
    "taken back before",
    "denied before",
    "what a rollback put there",
    "nothing was healthy",
    "the older one is denied",
    "the older one was taken back",
    "the older one lacks an image",
)


def asking(*requests: Request, memory: Memory | None = None) -> Memory:
    """A world in which people asked for something; 1.1.0 runs healthily unless said otherwise."""
    memory = memory or replace(
        world(promotion(PRODUCTION, NEW), BEFORE), environments={PRODUCTION: seen(PRODUCTION, NEW)}
    )
    memory.asked = requests or (ASKED,)
    return memory


@pytest.mark.parametrize("version", ["", "1.1.0"])
def test_a_healthy_release_goes_back_when_a_person_asks(version: str) -> None:
    change = only(decided(asking(request_of(PRODUCTION, version=version))), RollBack)

    assert (change.release, change.back_to, change.by, change.deny) == (NEW, OLD, "maintainer", False)
    assert (change.failure.cause, change.failure.kind, change.since) == ("person", "unknown", ASKED.at)
    assert change.because == (
        "maintainer asked to take back 1.1.0 in production: customers complain; it goes back to 1.0.0"
    )


@pytest.mark.parametrize("deny", [True, False])
def test_a_person_denies_only_when_asked_to(deny: bool) -> None:
    assert only(decided(asking(request_of(PRODUCTION, deny=deny))), RollBack).deny == deny


def test_what_was_measured_is_denied_though_a_person_asks() -> None:
    change = only(decided(asking(memory=world())), RollBack)

    assert (change.deny, change.failure.kind) == (True, "measured")
    assert "success rate 50.00 < 99" in change.failure.because


@pytest.mark.parametrize("flaw", OVERRIDDEN)
def test_a_person_overrides_what_only_guards_against_haste(flaw: str) -> None:
    memory = world()
    FLAWS[flaw][2](memory)

    assert len(of_type(decided(asking(memory=memory)), RollBack)) == 1


@pytest.mark.parametrize("flaw", REFUSED)
def test_a_person_does_not_override_what_makes_a_rollback_safe(flaw: str) -> None:
    memory = world()
    FLAWS[flaw][2](memory)

    decision = decided(asking(memory=memory))

    answer = only(decision, SettleRequest)
    assert (outside(decision), answer.outcome, answer.request) == ([], "refused", ASKED)
    assert answer.because.startswith("1.1.0 is not taken back: ")
    assert decision.gates


@pytest.mark.parametrize("flaw", ["a person wrote the manifests", "something is merged"])
def test_a_request_waits_for_what_is_on_its_way(flaw: str) -> None:
    memory = world()
    FLAWS[flaw][2](memory)

    decision = decided(asking(memory=memory))

    assert (decision.kind, decision.actions) == ("wait", ())


@pytest.mark.parametrize(
    ("phase", "kind"),
    [
        ("Progressing", "wait"),
        ("WaitingPromotion", "wait"),
        ("Promoting", "wait"),
        ("Finalising", "wait"),
        ("Waiting", "act"),
        ("Initializing", "act"),
        ("Initialized", "act"),
    ],
)
def test_a_canary_under_analysis_is_let_end_first(phase: CanaryPhase, kind: str) -> None:
    memory = asking()
    stands(memory, clusters=(cluster(OLD, "progressing", attempt=NEW, canary=canary_of(phase)),))

    assert decided(memory).kind == kind


def test_a_canary_that_does_not_end_keeps_nobody_waiting_for_long() -> None:
    memory = asking(request_of(PRODUCTION, at=NOW - timedelta(minutes=6)))
    stands(memory, clusters=(cluster(OLD, "progressing", attempt=NEW, canary=canary_of("Progressing")),))

    assert len(of_type(decided(memory), RollBack)) == 1


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (request_of(PRODUCTION, version="7.7.7"), "no release 7.7.7 is known in production"),
        (request_of(PRODUCTION, version="1.0.0"), "Git declares 1.1.0 in production, not 1.0.0"),
    ],
)
def test_what_git_does_not_declare_cannot_be_taken_back(request_: Request, words: str) -> None:
    answer = only(decided(asking(request_)), SettleRequest)

    assert answer.outcome == "refused"
    assert words in answer.because


@pytest.mark.parametrize("changes", [{"policy": policy_of(production={"mode": "observe"})}, {"adopted": STRANGER}])
def test_where_only_observing_is_allowed_a_request_is_refused(changes: dict[str, object]) -> None:
    for request in (ASKED, ALLOWED):
        decision = decided(replace(asking(request), **changes))  # type: ignore[arg-type]

        assert outside(decision) == []
        assert only(decision, SettleRequest).outcome == "refused"


def test_a_rollback_answers_every_request_for_it() -> None:
    others = (request_of(PRODUCTION, version="1.1.0"), request_of(PRODUCTION, version="1.2.0"), ALLOWED)
    memory = asking(ASKED, *others)
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, pin=pin_of(OLD, NEW, kind="unknown", by="maintainer"))

    decision = decided(memory)

    assert [(a.request, a.outcome) for a in of_type(decision, SettleRequest)] == [(ASKED, "done"), (others[0], "done")]
    assert only(decision, RecordPromotion).promotion.state == "rolled_back"
    assert decision.look_again == LOOK_AGAIN


def test_asking_for_what_went_back_already_is_answered() -> None:
    memory = asking(request_of(PRODUCTION, version="1.1.0"), memory=world(ROLLED_BACK, BEFORE))
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, pin=PIN)

    answer = only(decided(memory), SettleRequest)

    assert (answer.outcome, answer.because) == ("done", "production already went back from 1.1.0 to 1.0.0")


def test_going_back_further_by_mistake_is_refused() -> None:
    memory = asking(ASKED, memory=world(ROLLED_BACK, BEFORE, promotion(PRODUCTION, NEWER, attempt=2)))
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, pin=PIN)

    answer = only(decided(memory), SettleRequest)

    assert answer.outcome == "refused"
    assert "a rollback is not rolled back" in answer.because


@pytest.mark.parametrize("policy", [WAY_PEOPLE, WAY_REQUEST, WAY_COMMIT])
def test_a_request_whose_rollback_a_person_closed_is_answered_and_may_be_made_again(policy: dict[str, object]) -> None:
    first, again = request_of(PRODUCTION, at=NOW - timedelta(minutes=6)), ASKED
    memory = asking(first)
    memory.policy = policy_of(production=policy)
    written(memory)

    answer = only(decided(memory), SettleRequest)
    memory.asked = (again,)

    assert (answer.request, answer.outcome) == (first, "refused")
    assert "a person closed its merge request or reverted it" in answer.because
    assert only(decided(memory), RollBack).failure.at == again.at


def test_a_request_is_not_answered_while_git_is_read() -> None:
    decision = decided(written(asking()))

    assert (decision.kind, decision.actions) == ("wait", ())


def denied_world(*requests: Request) -> Memory:
    """1.1.0 was taken back and denied."""
    memory = world(ROLLED_BACK, BEFORE)
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, pin=PIN, denials=(denial_of(NEW),))
    return asking(*(requests or (ALLOWED,)), memory=memory)


@pytest.mark.parametrize("may_push", [True, False])
def test_a_denial_is_revoked_when_a_person_allows_the_release(may_push: bool) -> None:
    memory = denied_world()
    memory.known_rights = memory.known_rights if may_push else MAY_NOT_PUSH

    decision = decided(memory)

    change = only(decision, RevokeDenial)
    assert (change.version, change.request) == ("1.1.0", ALLOWED)
    assert change.way == ("commit" if may_push else "merge_request")
    assert (of_type(decision, SettleRequest), decision.look_again) == ([], LOOK_AGAIN)


def test_an_allowed_release_is_asked_for_again_once_git_allows_it() -> None:
    memory = written(denied_world())
    stands(memory, denials=())

    decision = decided(memory)

    found = only(decision, RecordPromotion).promotion
    assert (found.id, found.asked_again_at, found.updated_at) == (ROLLED_BACK.id, NOW, ROLLED_BACK.updated_at)
    assert only(decision, SettleRequest).outcome == "done"
    assert outside(decision) == []


def test_a_denial_without_a_promotion_is_revoked_and_answered() -> None:
    memory = denied_world()
    memory.known_promotions = (BEFORE,)
    written(memory)
    stands(memory, denials=())

    assert only(decided(memory), SettleRequest).outcome == "done"


@pytest.mark.parametrize("state", ["failed", "bypassed"])
def test_what_a_person_brought_again_is_taken_back_once_it_was_allowed(state: PromotionState) -> None:
    brought = replace(FAILED, state=state, merge_request=None)
    memory = asking(ALLOWED, memory=world(brought, ROLLED_BACK, BEFORE))

    allowed = only(decided(memory), RecordPromotion).promotion
    memory.known_promotions = tuple(allowed if p.id == allowed.id else p for p in memory.known_promotions)
    memory.asked = (ASKED,)

    assert only(decided(memory), RollBack).release == NEW


@pytest.mark.parametrize("version", ["7.7.7", "1.0.0"])
def test_what_stands_in_no_ones_way_need_not_be_allowed(version: str) -> None:
    answer = only(decided(denied_world(request_of(PRODUCTION, "allow", version))), SettleRequest)

    assert answer.outcome == "refused"
    assert answer.because == f"{version} neither is denied in production nor ended badly there"


def test_where_the_bot_only_proposes_a_person_takes_the_denial_out() -> None:
    memory = denied_world()
    memory.policy = policy_of(production={"mode": "propose"})

    answer = only(decided(memory), SettleRequest)

    assert answer.outcome == "refused"
    assert "from .sluice/denials/production/demo-service.yaml yourself" in answer.because


def test_allowing_is_not_kept_waiting_by_a_failure_that_waits_for_a_person() -> None:
    older = promotion(PRODUCTION, NEWER, "failed", failure=FAILED.failure, merge_request=8)
    memory = denied_world()
    memory.known_promotions = (older, ROLLED_BACK)
    stands(memory, declared=NEWER, standing=NEWER, pin=None, clusters=(cluster(OLD, "failed", attempt=NEWER),))

    first, then = decided(memory), decided(written(memory))

    assert len(of_type(first, OpenIncident)) == 1
    assert len(of_type(then, RevokeDenial)) == 1


names = st.sampled_from(sorted(FLAWS))
versions = st.sampled_from(["", "1.0.0", "1.1.0", "1.2.0", "nightly"])
requests = st.lists(
    st.builds(
        lambda kind, version, deny: request_of(PRODUCTION, kind, version, deny=deny),
        st.sampled_from(["rollback", "allow"]),
        versions,
        st.booleans(),
    ),
    max_size=3,
)
proposals = st.none() | st.builds(
    lambda status, ours, draft, proposes: merge_request(
        proposes, status=status, ours=ours, draft=draft, release_id=NEW.id
    ),
    st.sampled_from(["mergeable", "checking", "not_approved", "conflict", "ci_must_pass"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([OLD, NEW, None]),
)
policies = st.sampled_from([policy_of(production={"mode": mode}) for mode in ("observe", "propose", "act")])


@given(st.lists(names, max_size=4, unique=True), requests, proposals, policies, st.booleans(), st.booleans())
def test_whatever_is_asked_for_a_rollback_is_safe(
    flaws: list[str],
    asked: list[Request],
    proposal: MergeRequestSeen | None,
    policy: Policy,
    may_push: bool,
    failed: bool,
) -> None:
    memory = world() if failed else world(promotion(PRODUCTION, NEW), BEFORE)
    for flaw in flaws:
        FLAWS[flaw][2](memory)
    memory.asked = tuple(asked)
    memory.policy = policy
    memory.known_rights = memory.known_rights if may_push else MAY_NOT_PUSH
    if proposal is not None:
        memory.rollback_requests[PRODUCTION] = proposal
    here, promotions = memory.environments[PRODUCTION], memory.known_promotions

    decision = decided(memory)

    mode = memory.policy.environment("demo-service", "production").mode
    assert decision.because
    assert mode != "observe" or outside(decision) == []
    for change in of_type(decision, RollBack):
        request = next((r for r in asked if r.kind == "rollback"), None)
        assert change.back_to.id != change.release.id
        assert here.denied(change.back_to) is None
        assert any(p.healthy_at for p in promotions if p.release.id == change.back_to.id)
        assert not change.deny or change.failure.kind == "measured" or (request and request.deny)
        assert change.release in (here.declared, None if here.agrees else here.standing)
        assert not any(p.state == "rolled_back" and not p.asked_again_at for p in promotions if p.release == NEW)
    for merge in of_type(decision, MergeRollback):
        there = memory.rollback_requests[PRODUCTION]
        assert (mode, there.ours, there.draft, there.status) == ("act", True, False, "mergeable")
        assert merge.sha == there.sha


def test_a_request_long_ago_is_as_good_as_one_of_now() -> None:
    old = request_of(PRODUCTION, at=NOW - timedelta(days=2))

    assert len(of_type(decided(asking(old)), RollBack)) == 1


BARE = NOW.replace(tzinfo=None)
moments = st.datetimes(BARE.replace(year=2000), BARE.replace(year=2100), timezones=st.just(UTC))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_facts_make_it_stumble(data: st.DataObject) -> None:
    st.register_type_strategy(datetime, moments)
    facts = replace(data.draw(st.from_type(RollbackFacts)), key=PRODUCTION)

    decision = rollback.decide(facts, POLICY, NOW)

    assert decision.because
    assert decision.kind in ("act", "wait") or outside(decision) == []
