"""What is new is noticed once: releases, Flux objects and config repositories; what is as before costs nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    APP,
    NEW,
    NEWER,
    NOW,
    OLD,
    POLICY,
    Memory,
    done,
    of_type,
    only,
    outside,
    policy_of,
    record,
    release,
)

from bot.actions import (
    Decision,
    LearnConfiguration,
    LookAgain,
    RecordBaseline,
    RecordRelease,
    RecordSource,
    WriteInstall,
)
from bot.keys import ApplicationKey, ConfigKey, SourceKey
from bot.observing import Carried, ConfigurationSeen, Health, MergeRequestMark, Release, Source, SourceState
from handlers import configuration, releases, sources

SOURCE = SourceKey("one", "flux-system", "apps")
CONFIG = ConfigKey("demo")
TEXT = POLICY.model_dump_json()
MARK = MergeRequestMark(iid=3, branch="sluice/staging/demo-service", updated_at="2026-03-02T09:00:00Z")
QUIET = ConfigurationSeen(
    head="a" * 40,
    known_head="a" * 40,
    policy=TEXT,
    known_policy=TEXT,
    fault="",
    changed=(),
    install="5f",
    known_install="5f",
    installation="5f",
    adoption_asked_by="",
    merge_requests=(),
    known_merge_requests=(),
)


def sighted(memory: Memory) -> Decision:
    """What the rule of releases decides."""
    return releases.decide(done(releases.observe(APP, memory)), memory.policy, NOW)


def test_the_first_sight_is_the_baseline() -> None:
    decision = sighted(Memory(baseline=False, sighted=(OLD, NEW)))

    assert only(decision, RecordBaseline).key == APP
    assert [r.record.baseline for r in of_type(decision, RecordRelease)] == [True, True]
    assert decision.because == "first sight: 1.0.0, 1.1.0 is the baseline and does not move"


def test_an_empty_first_sight_is_a_baseline_too() -> None:
    decision = sighted(Memory(baseline=False))

    assert only(decision, RecordBaseline).key == APP
    assert decision.because == "first sight: nothing yet is the baseline and does not move"


def test_a_new_release_is_recorded_once() -> None:
    memory = Memory(known_releases=(record(OLD, baseline=True),), sighted=(OLD, NEW))
    found = only(sighted(memory), RecordRelease).record
    memory.known_releases = (found, *memory.known_releases)

    again = sighted(memory)

    assert (found.release, found.baseline, found.tag_moved, found.first_seen) == (NEW, False, False, NOW)
    assert (again.actions, again.because) == ((), "no release that was not known")


def test_a_version_with_another_digest_is_a_new_release_whose_tag_moved() -> None:
    moved = release("1.1.0", build="again")

    found = only(sighted(Memory(known_releases=(record(NEW),), sighted=(moved,))), RecordRelease).record

    assert (found.release, found.tag_moved) == (moved, True)


def test_releases_without_a_version_move_no_tag() -> None:
    left, right = release("", build="a"), release("", build="b")

    found = only(sighted(Memory(known_releases=(record(left),), sighted=(right,))), RecordRelease).record

    assert not found.tag_moved


@given(
    st.lists(st.sampled_from([OLD, NEW, NEWER]), unique=True),
    st.lists(st.sampled_from([OLD, NEW, NEWER]), unique=True),
    st.booleans(),
)
def test_every_release_is_known_after_one_look(known: list[Release], seen: list[Release], baseline: bool) -> None:
    memory = Memory(baseline=baseline, known_releases=tuple(map(record, known)), sighted=tuple(seen))

    fresh = [r.record.release for r in of_type(sighted(memory), RecordRelease)]

    assert {*fresh, *known} == {*seen, *known}
    assert not set(fresh) & set(known)


def carried(health: Health = "healthy", application: str = "demo-service", image: str = "x@sha256:1") -> Carried:
    """A line of what a Flux object carries."""
    return Carried(application=application, environment="dev", tenant="demo", images=(image,), health=health)


def reported(now: SourceState, known: SourceState | None) -> Decision:
    """What the rule of sources decides."""
    memory = Memory(sources={SOURCE: Source(now=now, known=known)})
    return sources.decide(done(sources.observe(SOURCE, memory)), memory.policy, NOW)


def test_a_report_that_changes_nothing_costs_nothing() -> None:
    state = SourceState(carried=(carried(),))

    assert reported(state, state).actions == ()


def test_only_the_applications_that_changed_are_looked_at_again() -> None:
    same, before, now = carried(application="other"), carried(image="x@sha256:1"), carried(image="x@sha256:2")

    decision = reported(SourceState(carried=(now, same)), SourceState(carried=(before, same)))

    assert only(decision, LookAgain).keys == (APP,)
    assert only(decision, RecordSource).state == SourceState(carried=(now, same))


@pytest.mark.parametrize("known", [None, SourceState(carried=(carried("progressing"),)), SourceState(carried=())])
def test_a_new_or_healed_source_is_looked_at(known: SourceState | None) -> None:
    assert only(reported(SourceState(carried=(carried(),)), known), LookAgain).keys == (APP,)


def test_an_application_that_left_its_source_is_looked_at() -> None:
    assert only(reported(SourceState(carried=()), SourceState(carried=(carried(),))), LookAgain).keys == (APP,)


def test_a_source_without_applications_is_remembered_and_no_more() -> None:
    decision = reported(SourceState(carried=()), None)

    assert only(decision, RecordSource).state == SourceState(carried=())
    assert of_type(decision, LookAgain) == []


def moved(seen: ConfigurationSeen) -> Decision:
    """What the rule of config repositories decides."""
    memory = Memory(configurations={CONFIG: seen})
    return configuration.decide(done(configuration.observe(CONFIG, memory)), memory.policy, NOW)


def test_a_config_repository_as_before_costs_nothing() -> None:
    assert (moved(QUIET).kind, moved(QUIET).actions) == ("skip", ())


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        (".sluice/releases/staging/demo-service.yaml", True),
        ("apps/production/kustomization.yaml", True),
        ("README.md", False),
        (".sluice/releases/staging/other.yaml", False),
    ],
)
def test_a_commit_touches_the_applications_whose_files_it_changed(path: str, touched: bool) -> None:
    decision = moved(replace(QUIET, head="b" * 40, changed=(path,)))

    assert [look.keys for look in of_type(decision, LookAgain)] == ([(APP,)] if touched else [])
    assert only(decision, LearnConfiguration).head == "b" * 40


@pytest.mark.parametrize(
    ("before", "now"), [((), (MARK,)), ((MARK,), ()), ((MARK,), (replace(MARK, updated_at="later"),))]
)
def test_a_merge_request_that_moved_touches_its_application(
    before: tuple[MergeRequestMark, ...], now: tuple[MergeRequestMark, ...]
) -> None:
    decision = moved(replace(QUIET, known_merge_requests=before, merge_requests=now))

    assert only(decision, LookAgain).keys == (APP,)
    assert only(decision, LearnConfiguration).merge_requests == now


def test_another_applications_merge_request_touches_nothing() -> None:
    other = replace(MARK, branch="sluice/staging/my-demo-service")

    assert of_type(moved(replace(QUIET, merge_requests=(other,))), LookAgain) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": policy_of(staging={"soak": "1h"}).model_dump_json()},
        {"known_install": ""},
        {"head": "b" * 40, "changed": None},
    ],
)
def test_a_new_policy_identity_or_history_touches_everything(changes: dict[str, object]) -> None:
    decision = moved(replace(QUIET, **changes))  # type: ignore[arg-type]

    assert only(decision, LookAgain).keys == (ApplicationKey("demo", "demo-service"),)


def test_a_policy_that_does_not_parse_leaves_the_last_good_one() -> None:
    decision = moved(replace(QUIET, head="b" * 40, policy="", fault="policy.yaml:3: unknown"))

    assert only(decision, LearnConfiguration).policy == TEXT
    assert only(decision, LearnConfiguration).fault == "policy.yaml:3: unknown"
    assert "the last good one stays in force: policy.yaml:3: unknown" in decision.because


def test_adoption_is_written_for_the_person_who_asked() -> None:
    install = only(moved(replace(QUIET, install="", known_install="", adoption_asked_by="maintainer")), WriteInstall)

    assert (install.installation, install.asked_by) == ("5f", "maintainer")


@pytest.mark.parametrize("changes", [{"adoption_asked_by": "maintainer"}, {"install": ""}, {"install": "another"}])
def test_nothing_is_adopted_twice_or_unasked(changes: dict[str, object]) -> None:
    assert outside(moved(replace(QUIET, **changes))) == []  # type: ignore[arg-type]
