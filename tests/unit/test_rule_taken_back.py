"""What landed is told where it came from, then recorded; what was inconclusive may try once more."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from rollback_worlds import (
    BEFORE,
    FAILED,
    PIN,
    decided,
    rule_of,
    world,
)
from rule_worlds import (
    NEW,
    NOW,
    OLD,
    PRODUCTION,
    PROJECT,
    STRANGER,
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

from bot.actions import (
    OpenIncident,
    RecordPromotion,
    TellPromotion,
    TellSource,
)
from bot.observing import (
    Pin,
    Promotion,
    PromotionState,
)


def gone_back(*promotions: Promotion, pin: Pin = PIN, denied: bool = True) -> Memory:
    """Git declares 1.0.0 again and pins it."""
    memory = world(*promotions)
    denials = (denial_of(NEW),) if denied else ()
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD, cluster(OLD), pin=pin, denials=denials)
    return memory


def test_what_was_taken_back_is_told_everywhere_before_it_is_recorded() -> None:
    decision = decided(gone_back())

    kinds = [type(action) for action in decision.actions]
    assert kinds == [OpenIncident, TellPromotion, TellSource, RecordPromotion]
    incident, source = only(decision, OpenIncident), only(decision, TellSource)
    assert (incident.taken_back, incident.back_to, incident.people) == (True, OLD, ("maintainer",))
    assert (source.project, only(decision, TellPromotion).merge_request) == (PROJECT, 7)
    assert incident.because == "1.1.0 is denied, and stays out until a newer release comes or a person lets it in"
    ended = only(decision, RecordPromotion).promotion
    assert (ended.state, ended.id, ended.failure, ended.updated_at) == ("rolled_back", FAILED.id, FAILED.failure, NOW)
    assert decision.because == (
        "1.1.0 was taken back in production, which is at 1.0.0 again: one: success rate 50.00 < 99; 1.1.0 is denied, "
        "and stays out until a newer release comes or "
        '`sluice allow demo-service production 1.1.0 --reason "…"` lets it in'
    )


def test_what_is_recorded_is_told_no_more() -> None:
    decision = decided(gone_back(replace(FAILED, state="rolled_back"), BEFORE))

    assert (decision.kind, decision.actions) == ("skip", ())


@pytest.mark.parametrize("state", get_args(PromotionState))
def test_every_promotion_that_git_left_ends_as_rolled_back(state: PromotionState) -> None:
    recorded = of_type(decided(gone_back(replace(FAILED, state=state), BEFORE)), RecordPromotion)

    never = state in ("waiting", "ready", "declined", "denied", "rolled_back")
    assert [record.promotion.state for record in recorded] == ([] if never else ["rolled_back"])


def test_a_later_try_is_not_ended_by_the_pin_of_the_earlier() -> None:
    again = promotion(PRODUCTION, NEW, "merging", attempt=1, opened_at=NOW)

    assert outside(decided(gone_back(again, replace(FAILED, state="rolled_back"), BEFORE))) == []


def test_a_release_without_merge_request_or_commit_is_told_by_its_incident() -> None:
    bare = replace(FAILED, merge_request=None, release=replace(NEW, commit=""))

    kinds = [type(action) for action in decided(gone_back(bare, BEFORE)).actions]

    assert kinds == [OpenIncident, RecordPromotion]


def test_a_rollback_by_hand_is_recorded_with_what_its_pin_says() -> None:
    memory = gone_back(promotion(PRODUCTION, NEW), BEFORE, pin=pin_of(OLD, NEW, kind="unknown", by="maintainer"))

    failure = only(decided(memory), RecordPromotion).promotion.failure

    assert failure is not None
    assert (failure.kind, failure.cause, failure.because) == ("unknown", "person", "1.1.0 failed")


@pytest.mark.parametrize("changes", [{"policy": policy_of(production={"mode": "observe"})}, {"adopted": STRANGER}])
def test_where_only_observing_is_allowed_it_is_recorded_and_not_told(changes: dict[str, object]) -> None:
    decision = decided(replace(gone_back(), **changes))  # type: ignore[arg-type]

    assert (decision.kind, outside(decision)) == ("would", [])
    assert only(decision, RecordPromotion).promotion.state == "rolled_back"


NO_DATA = pin_of(OLD, NEW, kind="no-data")


def inconclusive(pin: Pin = NO_DATA, **changes: object) -> Memory:
    """It was taken back two hours ago for want of measurements; the policy lets it try again after three."""
    ended = replace(FAILED, state="rolled_back", failure=failure_of("no-data"), updated_at=NOW - timedelta(hours=2))
    memory = gone_back(replace(ended, **changes), BEFORE, pin=pin, denied=False)  # type: ignore[arg-type]
    rule_of(memory, {"retry_after": "3h"})
    return memory


def test_an_inconclusive_release_waits_for_its_second_try() -> None:
    decision = decided(inconclusive())

    assert (decision.kind, decision.actions, decision.look_again) == ("wait", (), timedelta(hours=1))
    assert decision.because == "1.1.0 is inconclusive and may try again at 2026-03-02 10:00:00 UTC"


def test_an_inconclusive_release_may_try_once_more() -> None:
    memory = inconclusive(updated_at=NOW - timedelta(hours=3))

    found = only(decided(memory), RecordPromotion).promotion

    assert (found.asked_again_at, found.state, found.id) == (NOW, "rolled_back", FAILED.id)


@pytest.mark.parametrize(
    "memory",
    [
        inconclusive(updated_at=NOW - timedelta(days=1), asked_again_at=NOW - timedelta(hours=1)),
        inconclusive(updated_at=NOW - timedelta(days=1), failure=failure_of("measured")),
        inconclusive(updated_at=NOW - timedelta(days=1), failure=failure_of("unknown")),
        inconclusive(pin_of(OLD, NEW, kind="no-data", by="maintainer"), updated_at=NOW - timedelta(days=1)),
    ],
    ids=["tried twice", "measured", "unknown", "a person took it back"],
)
def test_nothing_else_tries_again_by_itself(memory: Memory) -> None:
    assert of_type(decided(memory), RecordPromotion) == []


def test_without_the_policys_word_nothing_tries_again() -> None:
    memory = inconclusive(updated_at=NOW - timedelta(days=1))
    memory.policy = policy_of()

    assert (decided(memory).kind, decided(memory).actions) == ("skip", ())


def test_a_rollback_that_a_person_asked_for_tells_who_and_why() -> None:
    asked = request_of(PRODUCTION, version="1.1.0")
    memory = gone_back(promotion(PRODUCTION, NEW), BEFORE, pin=pin_of(OLD, NEW, kind="unknown", since=asked.at))
    memory.asked = (asked,)

    assert decided(memory).because.startswith(
        "1.1.0 was taken back in production, which is at 1.0.0 again: maintainer asked for it, customers complain; "
    )
