"""Flagger is answered for the images that were judged and for no others, and never asked to roll back unasked."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    IMAGE,
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STRANGER,
    Memory,
    cluster,
    denial_of,
    done,
    hold_of,
    of_type,
    only,
    outside,
    pin_of,
    policy_of,
    promotion,
    request_of,
    seen,
)

from bot.actions import Decision, RecordCanaryGates
from bot.observing import (
    CanaryPhase,
    CanarySeen,
    ClusterSeen,
    EnvironmentSeen,
    Promotion,
    PromotionState,
    Release,
    Request,
)
from config.policy import Policy
from handlers import canaries as rule

CANARY = {"canary": "production/demo-service"}


def policy_with_canary(**form: object) -> Policy:
    """Production rolls out by a canary."""
    policy = policy_of(production=form)
    application = policy.applications["demo-service"]
    override = type(policy.applications["demo-service"]).model_validate(
        {**application.model_dump(mode="json", exclude_defaults=True), "environments": {"production": CANARY}}
    )
    return policy.model_copy(update={"applications": {"demo-service": override}})


POLICY = policy_with_canary()
BEFORE = promotion(PRODUCTION, OLD, opened_at=NOW - timedelta(days=1))
LANDING = promotion(PRODUCTION, NEW, "applied", merge_request=3)
CONFIRMS = {"confirm-rollout", "confirm-traffic-increase", "confirm-promotion"}


def references(what: Release) -> tuple[str, ...]:
    """What a pod template with a release's image says."""
    return (f"{IMAGE}:{what.version}", "sidecar:1")


def running(
    what: Release, phase: CanaryPhase = "Progressing", *, carries: bool = True, applied: Release | None = None
) -> ClusterSeen:
    """A cluster that rolls a release out by a canary."""
    canary = CanarySeen(
        name="production/demo-service",
        phase=phase,
        images=references(what),
        carries=carries,
        serves=False,
        spec="11",
    )
    return cluster(applied or what, "progressing", attempt=what, canary=canary)


def world(here: EnvironmentSeen, *promotions: Promotion) -> Memory:
    """Production with its canary."""
    known = promotions or (LANDING, BEFORE)
    return Memory(policy=POLICY, environments={PRODUCTION: here}, known_promotions=known)


def decided(memory: Memory) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(rule.observe(PRODUCTION, memory)), memory.policy, NOW)


def opened(memory: Memory) -> set[str]:
    """The gates that are open."""
    return {gate.gate for gate in only(decided(memory), RecordCanaryGates).gates if gate.open}


def test_a_declared_release_may_roll_out() -> None:
    record = only(decided(world(seen(PRODUCTION, NEW, running(NEW)))), RecordCanaryGates)

    assert {gate.gate for gate in record.gates if gate.open} == CONFIRMS
    assert {gate.images for gate in record.gates} == {tuple(sorted(references(NEW)))}
    assert {(gate.cluster, gate.canary) for gate in record.gates} == {("one", "production/demo-service")}


def test_answers_are_stored_only_when_they_change() -> None:
    memory = world(seen(PRODUCTION, NEW, running(NEW)))
    memory.known_canary_gates[PRODUCTION] = only(decided(memory), RecordCanaryGates).gates

    again = decided(memory)

    assert (again.kind, again.actions) == ("skip", ())


def test_the_next_images_need_an_answer_of_their_own() -> None:
    memory = world(seen(PRODUCTION, NEW, running(NEW)))
    memory.known_canary_gates[PRODUCTION] = only(decided(memory), RecordCanaryGates).gates
    memory.environments[PRODUCTION] = seen(PRODUCTION, NEWER, running(NEWER))

    record = only(decided(memory), RecordCanaryGates)

    assert {gate.images for gate in record.gates} == {tuple(sorted(references(NEWER)))}


@pytest.mark.parametrize(
    ("here", "known", "gates"),
    [
        (seen(PRODUCTION, NEWER, running(NEW)), (LANDING, BEFORE), CONFIRMS),
        (seen(PRODUCTION, OLD, running(NEW)), (BEFORE,), CONFIRMS - {"confirm-rollout"}),
        (
            seen(PRODUCTION, OLD, running(NEW)),
            (promotion(PRODUCTION, NEW, "bypassed"), BEFORE),
            CONFIRMS - {"confirm-rollout"},
        ),
        (seen(PRODUCTION, NEW, running(NEW), denials=(denial_of(NEW),)), (LANDING, BEFORE), set[str]()),
        (seen(PRODUCTION, NEW, running(NEW, carries=False, applied=OLD)), (LANDING, BEFORE), CONFIRMS),
        (
            seen(PRODUCTION, NEW, replace(running(NEWER, carries=False, applied=OLD), attempt=NEW)),
            (LANDING, BEFORE),
            set[str](),
        ),
        (seen(PRODUCTION, OLD, running(NEW), pin=pin_of(OLD, NEW)), (LANDING, BEFORE), {"rollback"}),
        (seen(PRODUCTION, OLD, running(OLD), pin=pin_of(OLD, NEW)), (BEFORE,), CONFIRMS),
    ],
)
def test_what_the_canary_carries_decides(here: EnvironmentSeen, known: tuple[Promotion, ...], gates: set[str]) -> None:
    assert opened(world(here, *known)) == gates


@pytest.mark.parametrize(
    ("until", "gates"),
    [(None, set[str]()), (NOW + timedelta(minutes=5), set[str]()), (NOW, CONFIRMS)],
)
def test_a_hold_stops_a_canary_until_it_runs_out(until: object, gates: set[str]) -> None:
    hold = replace(hold_of(PRODUCTION), until=until)  # type: ignore[arg-type]
    memory = replace(world(seen(PRODUCTION, NEW, running(NEW))), known_holds=(hold,))

    assert opened(memory) == gates


def test_the_end_of_a_hold_is_looked_for() -> None:
    hold = hold_of(PRODUCTION, until=NOW + timedelta(minutes=5))
    memory = replace(world(seen(PRODUCTION, NEW, running(NEW))), known_holds=(hold,))

    assert decided(memory).look_again == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("request_", "gates"),
    [
        (request_of(PRODUCTION), {"rollback"}),
        (request_of(PRODUCTION, version="1.1.0"), {"rollback"}),
        (request_of(PRODUCTION, version="1.0.0"), CONFIRMS),
        (request_of(PRODUCTION, "allow", "1.1.0"), CONFIRMS),
    ],
)
def test_a_person_who_wants_it_back_is_heard_at_once(request_: Request, gates: set[str]) -> None:
    memory = replace(world(seen(PRODUCTION, NEW, running(NEW))), asked=(request_,))

    assert opened(memory) == gates


def test_a_request_without_a_version_means_what_git_declares() -> None:
    memory = replace(world(seen(PRODUCTION, NEWER, running(NEW))), asked=(request_of(PRODUCTION),))

    assert opened(memory) == CONFIRMS


@pytest.mark.parametrize("phase", get_args(CanaryPhase))
def test_flagger_rolls_back_only_while_its_canary_runs(phase: CanaryPhase) -> None:
    memory = replace(world(seen(PRODUCTION, NEW, running(NEW, phase))), asked=(request_of(PRODUCTION),))

    assert ("rollback" in opened(memory)) == (phase in ("Progressing", "Waiting", "WaitingPromotion"))


@pytest.mark.parametrize("muted", ["observe", "stranger"])
def test_nothing_is_rolled_back_where_only_observing_is_allowed(muted: str) -> None:
    memory = replace(world(seen(PRODUCTION, NEW, running(NEW))), asked=(request_of(PRODUCTION),))
    observing = replace(memory, policy=policy_with_canary(mode="observe"))

    assert opened(observing if muted == "observe" else replace(memory, adopted=STRANGER)) == set()


def test_a_canary_that_cannot_be_read_has_no_answers() -> None:
    memory = world(seen(PRODUCTION, NEW, cluster(NEW, "unknown")))
    memory.known_canary_gates[PRODUCTION] = only(
        decided(world(seen(PRODUCTION, NEW, running(NEW)))), RecordCanaryGates
    ).gates

    assert only(decided(memory), RecordCanaryGates).gates == ()


def test_where_the_policy_names_no_canary_answers_are_removed() -> None:
    memory = world(seen(PRODUCTION, NEW, running(NEW)))
    memory.known_canary_gates[PRODUCTION] = only(decided(memory), RecordCanaryGates).gates

    assert only(decided(replace(memory, policy=policy_of())), RecordCanaryGates).gates == ()
    assert decided(replace(memory, policy=policy_of(), known_canary_gates={})).actions == ()


releases = st.sampled_from([OLD, NEW, NEWER])
states = st.sampled_from(["applied", "done", "failed", "rolled_back", "bypassed", "superseded"])
requests = st.lists(
    st.builds(
        request_of,
        st.just(PRODUCTION),
        st.sampled_from(["rollback", "allow"]),
        st.sampled_from(["", "1.0.0", "1.1.0", "1.2.0"]),
    ),
    max_size=2,
)


@given(
    releases,
    st.none() | releases,
    st.sampled_from(get_args(CanaryPhase)),
    st.booleans(),
    st.lists(st.tuples(releases, states), max_size=3),
    st.lists(releases, max_size=2),
    requests,
    st.booleans(),
    st.none() | st.tuples(releases, releases),
)
def test_no_gate_is_open_for_what_was_not_judged_and_none_rolls_back_unasked(
    declared: Release,
    target: Release | None,
    phase: CanaryPhase,
    carries: bool,
    lived: list[tuple[Release, PromotionState]],
    denied: list[Release],
    asked: list[Request],
    held: bool,
    pinned: tuple[Release, Release] | None,
) -> None:
    pin = pin_of(*pinned) if pinned else None
    denials = tuple(map(denial_of, denied))
    tried = running(target or declared, phase, carries=carries)
    here = seen(PRODUCTION, declared, replace(tried, attempt=declared), pin=pin, denials=denials)
    known = tuple(promotion(PRODUCTION, what, state, attempt=n) for n, (what, state) in enumerate(lived))
    holds = (hold_of(PRODUCTION),) if held else ()
    memory = replace(world(here, *known), asked=tuple(asked), known_holds=holds, known_promotions=known)

    decision = decided(memory)

    assert outside(decision) == []
    wanted_back = {r.version or declared.version for r in asked if r.kind == "rollback"}
    if pin and pin.release == declared:
        wanted_back.add(pin.instead_of.version)
    for record in of_type(decision, RecordCanaryGates):
        for gate in record.gates:
            carried = target or declared
            assert gate.images == tuple(sorted(references(carried)))
            if gate.open and gate.gate == "rollback":
                assert carried.version in wanted_back
            elif gate.open:
                assert carries or carried == declared
                assert not held
                assert carried not in denied
                assert carried.version not in wanted_back
