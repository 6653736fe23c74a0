"""The gate of freezes: commands and calendars freeze, the longest is told, and nothing that ended stands."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promotion_worlds import READY, decided, told, world
from rule_worlds import NEW, NEWER, NOW, STAGING, TENANT, Memory, merge_request, of_type, only, outside, record, seen

from bot.actions import Gate, MergePromotion, ProposePromotion, PublishGates
from bot.observing import Freeze, FreezeWindow
from handlers.gates.no_freeze import judge

HOUR = timedelta(hours=1)


def freeze(until: datetime | None = None, environment: str = "staging") -> Freeze:
    """A person froze an environment an hour ago."""
    return Freeze(
        tenant=TENANT,
        environment=environment,
        principal="maintainer",
        because="an audit",
        since=NOW - HOUR,
        until=until,
    )


def window(since: datetime, until: datetime, source: str = "policy") -> FreezeWindow:
    """What a calendar says."""
    return FreezeWindow(environment="staging", source=source, because="the holidays", since=since, until=until)


def test_it_is_green_without_any() -> None:
    assert judge((), (), NOW) == Gate(name="no freeze", verdict="green", because="it is not frozen")


def test_a_freeze_without_an_end_is_red_and_tells_what_ends_it() -> None:
    assert judge((freeze(),), (), NOW) == Gate(
        name="no freeze",
        verdict="red",
        because="maintainer froze staging: an audit; `/sluice thaw staging` ends it",
    )


def test_a_freeze_with_an_end_waits_and_tells_when_it_thaws() -> None:
    gate = judge((freeze(NOW + HOUR),), (), NOW)

    assert gate.verdict == "waiting"
    assert gate.because == "maintainer froze staging: an audit (until 2026-03-02 10:00:00 UTC)"


@pytest.mark.parametrize(
    ("source", "whose"),
    [("policy", "the policy freezes staging"), ("demo/x", "a deploy freeze of demo/x freezes staging")],
)
def test_a_calendar_freezes_while_its_window_is_now(source: str, whose: str) -> None:
    now = judge((), (window(NOW - HOUR, NOW + HOUR, source),), NOW)

    assert now.verdict == "waiting"
    assert now.because == f"{whose}: the holidays (until 2026-03-02 10:00:00 UTC)"
    assert judge((), (window(NOW + HOUR, NOW + 2 * HOUR, source),), NOW).verdict == "green"
    assert judge((), (window(NOW - HOUR, NOW, source),), NOW).verdict == "green"


def test_a_freeze_that_ran_out_stands_no_more() -> None:
    assert judge((freeze(NOW),), (), NOW).verdict == "green"


HOURS = st.integers(-4, 3)
FROST = st.one_of(
    st.builds(lambda hours: freeze(None if hours is None else NOW + hours * HOUR), st.none() | HOURS),
    st.builds(lambda since, lasts: window(NOW + since * HOUR, NOW + (since + lasts) * HOUR), HOURS, st.integers(1, 4)),
)


@given(st.lists(FROST, max_size=6))
def test_it_is_green_exactly_when_nothing_stands_now(frosts: list[Freeze | FreezeWindow]) -> None:
    freezes = tuple(one for one in frosts if isinstance(one, Freeze))
    windows = tuple(one for one in frosts if isinstance(one, FreezeWindow))

    gate = judge(freezes, windows, NOW)

    standing = [one for one in frosts if one.since <= NOW and (one.until is None or one.until > NOW)]
    assert (gate.verdict == "green") == (not standing)
    assert (gate.verdict == "red") == any(one.until is None for one in standing)


def frozen(memory: Memory, *freezes: Freeze) -> Memory:
    """The same world under freezes."""
    memory.known_freezes = freezes
    return memory


def test_a_freeze_stops_the_merge_and_its_end_lets_it_go() -> None:
    ready = world(merge_request(NEW), READY)

    assert of_type(decided(told(frozen(ready, freeze(NOW + HOUR)))), MergePromotion) == []
    assert of_type(decided(told(frozen(ready))), MergePromotion) != []


def test_a_freeze_of_another_environment_stops_nothing() -> None:
    assert of_type(decided(told(frozen(world(merge_request(NEW), READY), freeze(None, "production")))), MergePromotion)


def test_a_frozen_merge_request_is_opened_all_the_same_so_that_people_can_look_at_it() -> None:
    proposal = only(decided(frozen(world(), freeze(NOW + HOUR))), ProposePromotion)

    assert (proposal.release, proposal.draft) == (NEW, False)


def test_the_blocking_status_says_until_when() -> None:
    status = only(decided(frozen(world(merge_request(NEW), READY), freeze(NOW + HOUR))), PublishGates)

    assert status.state == "pending"
    assert "until 2026-03-02 10:00:00 UTC" in status.because


def test_a_thaw_releases_the_newest_only() -> None:
    memory = frozen(world(merge_request(NEW), READY), freeze())
    memory.known_releases = (record(NEWER), *memory.known_releases)
    assert of_type(decided(told(memory)), MergePromotion) == []
    (dev,) = [one for one in memory.known_promotions if one.key.environment == "dev"]
    memory.known_promotions = (replace(dev, id="newer", release=NEWER), *memory.known_promotions)

    proposal = only(decided(frozen(memory)), ProposePromotion)

    assert (proposal.release, proposal.rebuild) == (NEWER, True)


def test_a_calendar_freezes_promotions_too() -> None:
    memory = told(world(merge_request(NEW), READY))
    memory.known_windows = (window(NOW - HOUR, NOW + HOUR),)

    assert of_type(decided(told(memory)), MergePromotion) == []
    assert outside(decided(memory)) == []
    assert seen(STAGING, NEW).declared == NEW
