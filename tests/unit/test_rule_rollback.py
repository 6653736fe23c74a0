"""A release goes back once, to what was healthy there, when every guard agrees; otherwise a person is told why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollback_worlds import (
    BEFORE,
    FAILED,
    FLAWS,
    HARMLESS,
    MANY,
    changes,
    decided,
    failing,
    gate,
    stands,
    world,
    written,
)
from rule_worlds import (
    DEV,
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STAGING,
    Memory,
    cluster,
    failure_of,
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
    MergeRollback,
    OpenIncident,
    RollBack,
    SettleRequest,
)
from bot.observing import (
    FailureCause,
    FailureKind,
    FailureMark,
)
from handlers.ways import LOOK_AGAIN


def test_a_failed_canary_takes_its_release_back() -> None:
    decision = decided(world())

    change = only(decision, RollBack)
    assert (change.release, change.back_to, change.way, change.deny) == (NEW, OLD, "commit", True)
    assert (change.by, change.people, change.since) == ("sluice", (), FAILED.failure and FAILED.failure.at)
    assert (decision.kind, decision.look_again) == ("act", LOOK_AGAIN)
    assert decision.because == "1.1.0 failed in production: one: success rate 50.00 < 99; it goes back to 1.0.0"


@pytest.mark.parametrize(("kind", "denies"), [("measured", True), ("no-data", False), ("unknown", False)])
def test_only_what_was_measured_is_denied(kind: FailureKind, denies: bool) -> None:
    change = only(decided(world(replace(FAILED, failure=failure_of(kind)), BEFORE)), RollBack)

    assert change.deny == denies


@pytest.mark.parametrize(
    ("kind", "cause", "age", "waits"),
    [
        ("unknown", "canary", 0, True),
        ("unknown", "canary", 14, True),
        ("unknown", "canary", 15, False),
        ("measured", "canary", 0, False),
        ("no-data", "canary", 0, False),
        ("measured", "health_check", 0, False),
        ("unknown", "reconciliation", 0, False),
    ],
)
def test_flagger_is_given_a_moment_to_say_why(kind: FailureKind, cause: FailureCause, age: int, waits: bool) -> None:
    every = policy_of(
        production={"rollback": {"on": ["canary_failed", "health_check_failed", "reconciliation_failed"]}}
    )
    failed = replace(FAILED, failure=failure_of(kind, cause, at=NOW - timedelta(seconds=age)))

    decision = decided(world(failed, BEFORE, policy=every))

    if not waits:
        assert only(decision, RollBack).deny == (kind == "measured")
        return
    assert (decision.kind, decision.actions, decision.look_again) == ("wait", (), LOOK_AGAIN)
    assert "Flagger has not said why yet, which is waited for until 0" in decision.because
    assert decision.gates


def test_nobody_is_paged_before_flagger_said_why() -> None:
    memory = world(replace(FAILED, failure=failure_of("unknown", at=NOW)))

    assert (decided(memory).kind, outside(decided(memory))) == ("wait", [])


def test_a_person_need_not_wait_for_flagger() -> None:
    memory = world(replace(FAILED, failure=failure_of("unknown", at=NOW)), BEFORE)
    memory.asked = (request_of(PRODUCTION),)

    assert only(decided(memory), RollBack).by == "maintainer"


def test_a_healthy_environment_is_left_alone() -> None:
    memory = world(promotion(PRODUCTION, NEW), BEFORE)

    decision = decided(memory)

    assert (decision.kind, decision.actions, decision.gates) == ("skip", (), ())
    assert decision.because == "nothing is to be taken back in production"


def test_an_environment_that_follows_the_build_is_left_and_requests_are_refused() -> None:
    memory = world()
    memory.environments[DEV] = seen(DEV, NEW, cluster(NEW, "failed"))
    memory.known_promotions = (promotion(DEV, NEW, "failed", failure=failure_of()), promotion(DEV, OLD))
    memory.asked = (request_of(DEV),)

    decision = decided(memory, DEV)

    assert outside(decision) == []
    assert only(decision, SettleRequest).outcome == "refused"


def test_every_guard_is_shown() -> None:
    names = [g.name for g in decided(world()).gates]

    assert names == [
        "caused",
        "settled",
        "once",
        "no second way back",
        "fresh",
        "healthy target",
        "brake",
        "reversible",
    ]


@pytest.mark.parametrize("flaw", FLAWS)
def test_one_guard_is_enough_to_stop_a_rollback(flaw: str) -> None:
    name, verdict, spoil = FLAWS[flaw]
    memory = world()
    spoil(memory)

    decision = decided(memory)

    assert of_type(decision, RollBack) == []
    shut = {g.name: g.verdict for g in decision.gates if g.verdict != "green"}
    assert shut == ({} if name == "none" else {name: verdict})


@given(st.lists(st.sampled_from(sorted(FLAWS)), min_size=1, max_size=4, unique=True))
def test_guards_never_make_up_for_each_other(flaws: list[str]) -> None:
    memory = world()
    for flaw in flaws:
        FLAWS[flaw][2](memory)

    assert of_type(decided(memory), RollBack | MergeRollback) == []  # type: ignore[arg-type]


SILENT = {"caused", "once", "none"}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_person_is_paged_once_where_a_person_must_decide(flaw: str) -> None:
    name, verdict, spoil = FLAWS[flaw]
    memory = world()
    spoil(memory)

    pages = of_type(decided(memory), OpenIncident)
    again = decided(written(memory))

    assert len(pages) == (verdict == "red" and name not in SILENT)
    assert not pages or (pages[0].taken_back, pages[0].merge_request) == (False, 7)
    assert outside(again) == []
    assert not pages or again.kind == "hold"


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("nothing was healthy", "no other release was healthy in production that is not denied"),
        ("many fail", "3 failed within 0:10:00 of each other, also a in production, b in production: the platform"),
        ("many fail", "bring back what was taken back before this with `sluice allow a production 4.2.0 --reason"),
        ("a migration", "1.1.0 changes db/migrations/7.sql: see whether the older release can live with it"),
        ("a mark", "marked irreversible: 1.1.0 (label dev.sluice.irreversible)"),
        ("long ago", "it failed at 2026-03-02 07:59:59 UTC, more than 1:00:00 ago"),
        ("taken back before", "1.1.0 was taken back in production before: who brought it again decides"),
        ("what a rollback put there", "production was taken back to 1.1.0 from 1.2.0: a rollback is not rolled back"),
        ("another cause", 'after health_check_failed: `sluice rollback demo-service production --reason "…"` does'),
    ],
)
def test_the_sentence_is_for_the_person_at_night(flaw: str, words: str) -> None:
    memory = world()
    FLAWS[flaw][2](memory)

    because = decided(memory).because

    assert because.startswith("1.1.0 failed in production: one: ")
    assert words in because


def test_a_lower_brake_pages_for_the_first_failure() -> None:
    memory = world(policy=policy_of(production={"rollback": {"brake": {"failures": 1}}}))

    assert gate(decided(memory), "brake")[0] == "red"


def test_failures_of_another_time_do_not_brake() -> None:
    memory = world()
    memory.known_failures = tuple(replace(mark, at=NOW - timedelta(minutes=13)) for mark in MANY)

    assert len(of_type(decided(memory), RollBack)) == 1


def test_the_brake_names_the_newest_failed_release_of_each_application() -> None:
    memory = world()
    older = tuple(replace(mark, at=mark.at - timedelta(seconds=9), release="4.1.0") for mark in MANY)
    memory.known_failures = (*MANY, *older)

    because = gate(decided(memory), "brake")[1]

    assert "allow a production 4.2.0 " in because
    assert "allow b production 4.2.0 " in because
    assert "4.1.0" not in because


def test_one_application_that_fails_often_does_not_brake() -> None:
    memory = world()
    memory.known_failures = (MANY[0],) * 5 + (FailureMark(key=PRODUCTION, at=NOW),)

    assert len(of_type(decided(memory), RollBack)) == 1


@pytest.mark.parametrize(
    ("path", "irreversible"),
    [
        ("migrations/1.sql", True),
        ("a/b/migrations/c/1.sql", True),
        ("db/migrate/1.rb", True),
        ("src/migrations.py", False),
        ("emigrations/1.sql", False),
        ("migrations", False),
    ],
)
def test_folders_of_migrations_are_recognised_at_any_depth(path: str, irreversible: bool) -> None:
    memory = world()
    changes(memory, replace(HARMLESS, paths=(path,)))

    assert (gate(decided(memory), "reversible")[0] == "red") == irreversible


def test_a_policy_without_irreversible_files_needs_no_comparison() -> None:
    memory = world(policy=policy_of(production={"rollback": {"irreversible": []}}))
    memory.comparisons.clear()

    assert len(of_type(decided(memory), RollBack)) == 1


def test_a_release_in_between_that_is_marked_stops_it_too() -> None:
    memory = world()
    between, after = release("1.0.5"), NEWER
    memory.known_releases = (record(after), record(NEW), record(between), record(OLD))
    memory.marks = {"1.0.5": ("label dev.sluice.irreversible",), "1.2.0": ("not crossed",), "1.0.0": ("nor this",)}

    assert gate(decided(memory), "reversible")[1].startswith("marked irreversible: 1.0.5 (label")


def test_it_goes_back_to_the_newest_release_that_was_healthy_here() -> None:
    middle = promotion(PRODUCTION, release("1.0.5"), opened_at=NOW - timedelta(hours=5))
    elsewhere = promotion(STAGING, release("1.0.9"))
    never = promotion(PRODUCTION, release("1.0.7"), "withdrawn")
    memory = world(FAILED, elsewhere, never, middle, BEFORE)
    memory.comparisons[("1.0.5", "1.1.0")] = HARMLESS

    assert only(decided(memory), RollBack).back_to.version == "1.0.5"


def test_a_healthy_release_that_failed_since_is_passed_over() -> None:
    middle = release("1.0.5")
    later = promotion(PRODUCTION, middle, "failed", attempt=1, failure=failure_of())
    memory = world(FAILED, later, promotion(PRODUCTION, middle), BEFORE)

    assert only(decided(memory), RollBack).back_to == OLD


def test_after_it_was_allowed_a_release_may_be_taken_back_again() -> None:
    early = NOW - timedelta(hours=3)
    once = promotion(PRODUCTION, NEW, "rolled_back", opened_at=early, asked_again_at=NOW - timedelta(hours=1))
    memory = world(replace(FAILED, id="second"), once, BEFORE)
    stands(memory, pin=pin_of(OLD, NEW, since=early))

    assert only(decided(memory), RollBack).release == NEW


def test_a_failure_recorded_without_its_cause_is_left_to_people() -> None:
    decision = decided(world(replace(FAILED, failure=None), BEFORE))

    assert (decision.kind, decision.actions) == ("skip", ())


@pytest.mark.parametrize(("ago", "verdict"), [(timedelta(minutes=59), "green"), (timedelta(hours=2), "red")])
def test_a_canary_that_failed_during_an_outage_is_as_old_as_its_own_word(ago: timedelta, verdict: str) -> None:
    moment = f"{NOW - ago:%Y-%m-%dT%H:%M:%SZ}"
    memory = world()
    failing(memory, replace(failure_of(at=NOW), evidence=f"canary one/shop/web failed at {moment}"))

    assert gate(decided(memory), "fresh")[0] == verdict


def test_a_cluster_whose_clock_is_ahead_makes_no_failure_younger() -> None:
    moment = f"{NOW + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    memory = world()
    failing(
        memory, replace(failure_of(at=NOW - timedelta(hours=2)), evidence=f"canary one/shop/web failed at {moment}")
    )

    assert gate(decided(memory), "fresh")[0] == "red"


@pytest.mark.parametrize("moment", ["08:00", "2026-13-45T99:00:00Z", "the end"])
def test_evidence_without_a_moment_leaves_the_moment_it_was_first_seen(moment: str) -> None:
    memory = world()
    failing(memory, replace(failure_of(), evidence=f"canary one/shop/web failed at {moment}"))

    assert gate(decided(memory), "fresh")[0] == "green"


def with_one_away(memory: Memory) -> Memory:
    """A second cluster of production does not answer."""
    away = replace(cluster(None, "unknown", name="two"), away=True, because="cluster two cannot be read now")
    stands(memory, clusters=(*memory.environments[PRODUCTION].clusters, away))
    return memory


def test_a_failure_measured_in_one_cluster_is_taken_back_while_another_is_away() -> None:
    assert only(decided(with_one_away(world())), RollBack).back_to == OLD


def test_a_failure_nobody_measured_waits_for_the_cluster_that_is_away() -> None:
    memory = with_one_away(world())
    failing(memory, failure_of("no-data"))

    decision = decided(memory)

    assert of_type(decision, RollBack) == []
    assert gate(decision, "settled") == ("waiting", "1.1.0 is not done: two says cluster two cannot be read now")


def test_a_person_need_not_wait_for_the_cluster_that_is_away() -> None:
    memory = with_one_away(world())
    failing(memory, failure_of("no-data"))
    memory.asked = (request_of(PRODUCTION),)

    assert gate(decided(memory), "settled")[0] == "green"
