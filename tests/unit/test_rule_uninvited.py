"""What image automation writes beside the release file goes back once it failed; over a rollback, it goes at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rollback_worlds import BEFORE, FAILED, FLAWS, HARMLESS, MANY, decided, gate, stands, written
from rule_worlds import (
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    Memory,
    cluster,
    denial_of,
    failure_of,
    of_type,
    only,
    outside,
    pin_of,
    policy_of,
    promotion,
    request_of,
    seen,
)

from bot.actions import OpenIncident, RecordPromotion, RollBack, SettleRequest
from bot.observing import Denial, FailureKind, Pin, Promotion, Release
from config.policy import Policy
from handlers.ways import LOOK_AGAIN_LATER

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CAME = promotion(PRODUCTION, NEW, "bypassed", attempt=1, opened_at=NOW - MINUTE)
ILL = replace(CAME, state="failed", failure=failure_of(at=NOW - MINUTE))
GONE = promotion(PRODUCTION, NEW, "rolled_back", opened_at=NOW - HOUR, merge_request=7, failure=failure_of())
PIN = pin_of(OLD, NEW, since=NOW - HOUR)
DENIAL = denial_of(NEW, since=NOW - HOUR)


def automated(**rollback: object) -> Policy:
    """Flux writes the positions of production."""
    delivery = {"delivery": "image_automation", "tag": "{version}-prod"}
    return policy_of(production={**delivery, "rollback": {"people": ["maintainer"], **rollback}})


def world(
    *promotions: Promotion,
    declared: Release = OLD,
    standing: Release = NEW,
    pin: Pin | None = None,
    denials: tuple[Denial, ...] = (),
    policy: Policy | None = None,
) -> Memory:
    """The release file says 1.0.0 and the positions 1.1.0, whose canary failed."""
    here = seen(
        PRODUCTION,
        declared,
        cluster(OLD, "failed", attempt=standing, failing="canary"),
        agrees=False,
        standing=standing,
        pin=pin,
        denials=denials,
    )
    return Memory(
        policy=policy or automated(),
        environments={PRODUCTION: here},
        known_promotions=promotions,
        comparisons={("1.0.0", "1.1.0"): HARMLESS, ("1.2.0", "1.1.0"): HARMLESS},
    )


def trying(memory: Memory) -> Memory:
    """The cluster has not ended the roll-out of what stands at the positions."""
    stands(memory, clusters=(cluster(OLD, "progressing", attempt=NEW),))
    return memory


# What nobody judged before.


def test_what_no_release_file_declares_goes_back_once_it_failed() -> None:
    decision = decided(world(ILL, BEFORE))

    change = only(decision, RollBack)
    assert (change.release, change.back_to, change.deny, change.by) == (NEW, OLD, True, "sluice")
    assert {one.verdict for one in decision.gates} == {"green"}
    assert decision.because == "1.1.0 failed in production: one: success rate 50.00 < 99; it goes back to 1.0.0"


@pytest.mark.parametrize("promotions", [(CAME, BEFORE), (BEFORE,), (replace(CAME, healthy_at=NOW), BEFORE)])
def test_what_did_not_fail_is_left_to_people(promotions: tuple[Promotion, ...]) -> None:
    assert decided(world(*promotions)).actions == ()


def test_it_is_judged_once_every_cluster_ended_trying_it() -> None:
    decision = decided(trying(world(ILL, BEFORE)))

    assert (decision.kind, outside(decision), gate(decision, "settled")[0]) == ("wait", [], "waiting")


@pytest.mark.parametrize(
    ("name", "memory"),
    [
        ("caused", world(ILL, BEFORE, policy=automated(on=[]))),
        ("fresh", world(replace(ILL, failure=failure_of(at=NOW - 2 * HOUR)), BEFORE)),
        ("healthy target", world(ILL)),
        ("brake", replace(world(ILL, BEFORE), known_failures=MANY)),
        ("reversible", replace(world(ILL, BEFORE), comparisons={})),
    ],
)
def test_every_guard_counts_for_what_nobody_judged_before(name: str, memory: Memory) -> None:
    decision = decided(memory)

    assert of_type(decision, RollBack) == []
    assert [one.name for one in decision.gates if one.verdict != "green"] == [name]


def test_it_goes_back_to_what_git_declares_though_that_is_newer() -> None:
    newer = promotion(PRODUCTION, NEWER, opened_at=NOW - HOUR)

    assert only(decided(world(ILL, newer, BEFORE, declared=NEWER)), RollBack).back_to == NEWER


@pytest.mark.parametrize("state", ["applied", "failed", "superseded"])
def test_it_goes_back_to_the_last_healthy_release_where_the_declared_one_never_was(state: str) -> None:
    declared = replace(promotion(PRODUCTION, NEWER, "merging"), state=state)  # type: ignore[arg-type]

    assert only(decided(world(ILL, declared, BEFORE, declared=NEWER)), RollBack).back_to == OLD


@pytest.mark.parametrize(("age", "waits"), [(MINUTE, True), (6 * MINUTE, False)])
@pytest.mark.parametrize("came", ["beside", "again"])
def test_a_merged_release_gets_its_time_to_take_the_place(age: timedelta, waits: bool, came: str) -> None:
    merging = promotion(PRODUCTION, NEWER, "merging", opened_at=NOW - age)
    denials = (DENIAL,) if came == "again" else ()

    decision = decided(world(ILL, merging, BEFORE, declared=NEWER, denials=denials))

    assert (of_type(decision, RollBack) == []) == waits
    assert (gate(decision, "settled")[0] == "waiting") == waits


def test_a_failed_release_that_git_declares_is_left_while_another_stands_there() -> None:
    decision = decided(world(CAME, promotion(PRODUCTION, OLD, "failed", failure=failure_of()), BEFORE))

    assert of_type(decision, RollBack) == []


@pytest.mark.parametrize("came", [ILL, CAME])
def test_a_person_takes_back_what_image_automation_wrote(came: Promotion) -> None:
    memory = world(came, BEFORE)
    memory.asked = (request_of(PRODUCTION, version="1.1.0", deny=True),)

    change = only(decided(memory), RollBack)

    assert (change.release, change.back_to, change.by, change.deny) == (NEW, OLD, "maintainer", True)


# What was judged before, and stays out.

KEPT_OUT = [
    pytest.param(world(CAME, BEFORE, denials=(DENIAL,)), "it is denied there since 2026-03-02 08:00 UTC", id="denied"),
    pytest.param(world(CAME, BEFORE, pin=PIN), "a pin keeps it out since 2026-03-02 08:00 UTC", id="pinned away"),
    pytest.param(world(CAME, GONE, BEFORE), "it was taken back there at 2026-03-02 08:00 UTC", id="taken back"),
]


@pytest.mark.parametrize(("memory", "why"), KEPT_OUT)
def test_what_stays_out_is_restored_at_once(memory: Memory, why: str) -> None:
    decision = decided(trying(memory))

    change = only(decision, RollBack)
    assert (change.release, change.back_to, change.failure.cause, change.by) == (NEW, OLD, "automation", "sluice")
    assert decision.because == (
        f"1.1.0 stands in production again: image automation wrote 1.1.0 there, but {why}; it goes back to 1.0.0"
    )


@pytest.mark.parametrize(("memory", "_"), KEPT_OUT)
def test_what_was_decided_before_is_not_decided_again(memory: Memory, _: str) -> None:
    hindered = replace(memory, known_failures=MANY, comparisons={}, policy=automated(on=[], within="1s"))

    decision = decided(trying(hindered))

    assert {one.verdict for one in decision.gates} == {"green"}
    assert of_type(decision, RollBack)


def test_without_a_release_to_go_back_to_a_person_is_paged_once() -> None:
    memory = world(CAME, denials=(DENIAL,))

    page, again = only(decided(memory), OpenIncident), decided(written(memory))

    assert (page.taken_back, page.release) == (False, NEW)
    assert (again.kind, outside(again)) == ("hold", [])


@pytest.mark.parametrize("memory", [world(CAME, BEFORE, pin=PIN), world(CAME, GONE, BEFORE)])
def test_what_a_person_allowed_is_not_restored(memory: Memory) -> None:
    allowed = replace(GONE, asked_again_at=NOW - timedelta(minutes=30))
    known = (CAME, allowed, BEFORE)

    assert of_type(decided(replace(memory, known_promotions=known)), RollBack) == []


@pytest.mark.parametrize(
    ("known", "denials", "kind"),
    [
        ((CAME, GONE, BEFORE), (DENIAL,), "measured"),
        ((CAME, replace(GONE, failure=failure_of("no-data")), BEFORE), (), "no-data"),
        ((CAME, replace(GONE, failure=failure_of("unknown")), BEFORE), (), "unknown"),
        ((CAME, replace(GONE, failure=None), BEFORE), (), "unknown"),
    ],
)
def test_only_what_is_denied_is_denied_on(
    known: tuple[Promotion, ...], denials: tuple[Denial, ...], kind: FailureKind
) -> None:
    change = only(decided(world(*known, denials=denials)), RollBack)

    assert (change.failure.kind, change.deny) == (kind, bool(denials))


def test_one_intrusion_is_restored_under_one_key() -> None:
    memory = trying(world(CAME, GONE, BEFORE, denials=(DENIAL,), pin=PIN))
    first = only(decided(memory), RollBack)

    memory.known_promotions = (ILL, GONE, BEFORE)
    stands(memory, clusters=(cluster(OLD, "failed", attempt=NEW, failing="canary"),))
    second, after = only(decided(memory), RollBack), decided(written(memory))

    assert second.effect_key == first.effect_key
    assert (after.kind, outside(after), after.look_again) == ("wait", [], LOOK_AGAIN_LATER)


@pytest.mark.parametrize("apart", [timedelta(), timedelta(milliseconds=400), MINUTE])
def test_the_next_intrusion_is_restored_under_a_key_of_its_own(apart: timedelta) -> None:
    first = only(decided(world(CAME, GONE, BEFORE, denials=(DENIAL,), pin=PIN)), RollBack)
    restored = replace(CAME, state="rolled_back")
    later = replace(CAME, id="later", opened_at=CAME.opened_at + apart)

    second = only(decided(world(later, restored, GONE, BEFORE, pin=pin_of(OLD, NEW, since=first.since))), RollBack)

    assert second.effect_key != first.effect_key
    assert second.since > first.since


def test_a_restored_rollback_is_told_by_its_incident_and_weighs_on_nothing() -> None:
    pin = pin_of(OLD, NEW, since=CAME.opened_at)
    memory = world(CAME, GONE, BEFORE, denials=(DENIAL,), pin=pin)
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, cluster(OLD), pin=pin, denials=(DENIAL,))

    decision = decided(memory)

    ended = only(decision, RecordPromotion).promotion
    assert (ended.id, ended.state, ended.failure) == (CAME.id, "rolled_back", None)
    assert only(decision, OpenIncident).failure.cause == "automation"


def test_nothing_is_told_while_it_stands_there_again() -> None:
    lately = replace(PIN, since=NOW)

    assert of_type(decided(world(FAILED, BEFORE, pin=lately, denials=(DENIAL,))), RecordPromotion) == []


def test_restoring_is_no_second_rollback_once_a_person_allows_the_release() -> None:
    restored = replace(CAME, state="rolled_back", asked_again_at=NOW - timedelta(seconds=30))
    merged = promotion(PRODUCTION, NEW, "failed", attempt=2, opened_at=NOW, failure=failure_of(at=NOW))
    memory = world(merged, restored, GONE, BEFORE)
    memory.environments[PRODUCTION] = seen(PRODUCTION, NEW, cluster(OLD, "failed", attempt=NEW, failing="canary"))

    assert gate(decided(memory), "once")[0] == "green"


def test_an_inconclusive_release_keeps_its_second_try_though_it_was_written_over() -> None:
    taken = replace(GONE, failure=failure_of("no-data"), updated_at=NOW - 2 * HOUR)
    memory = world(replace(CAME, state="rolled_back"), taken, BEFORE, policy=automated(retry_after="1h"))
    pin = pin_of(OLD, NEW, kind="no-data", since=CAME.opened_at)
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, cluster(OLD), pin=pin)

    assert only(decided(memory), RecordPromotion).promotion.asked_again_at == NOW


def test_a_persons_request_for_what_stands_there_again_is_not_called_done() -> None:
    memory = world(CAME, GONE, BEFORE, pin=PIN)
    memory.asked = (request_of(PRODUCTION, version="1.1.0"),)

    decision = decided(memory)

    assert of_type(decision, SettleRequest) == []
    assert only(decision, RollBack).by == "maintainer"


@pytest.mark.parametrize("flaw", ["a person wrote the manifests", "taken back before", "denied before"])
def test_where_merge_requests_write_the_positions_nothing_changes(flaw: str) -> None:
    memory = Memory(
        policy=policy_of(),
        environments={PRODUCTION: seen(PRODUCTION, NEW, cluster(OLD, "failed", attempt=NEW, failing="canary"))},
        known_promotions=(FAILED, BEFORE),
    )
    FLAWS[flaw][2](memory)

    assert of_type(decided(memory), RollBack) == []
