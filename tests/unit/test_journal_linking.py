"""Deliveries that say the same are linked to the first; what a parser makes of each decides its phase."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.events import Delivery, Parsed, Phase, Reading, Understood, Unheard, Unreadable
from bot.journal.digesting import Judged, Original, judge, link
from bot.keys import ApplicationKey

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SHOP = ApplicationKey("acme", "shop")


def arrived(name: str, after: float = 0, endpoint: str = "gitlab") -> Delivery:
    return Delivery(
        id=name,
        endpoint=endpoint,
        idempotency_key=name,
        received_at=START + timedelta(seconds=after),
        headers={},
        body=b"{}",
        scope="instance",
    )


def understood(delivery: Delivery, meaning: str | None = "same", *, again: bool = False) -> Judged:
    return Judged(delivery=delivery, again=again, phase="done", semantic_key=meaning, keys=(SHOP,))


def earlier(*, pending: bool) -> dict[tuple[str, str], Original]:
    return {("gitlab", "same"): Original(id="first", received_at=START, pending=pending)}


@pytest.mark.parametrize(
    ("after", "pending", "linked"),
    [(0, False, True), (119.9, False, True), (120, False, False), (120, True, True), (86_400, True, True)],
)
def test_repetition_is_linked_while_undone_or_within_two_minutes(after: float, pending: bool, linked: bool) -> None:
    (one,) = link([understood(arrived("second", after))], earlier(pending=pending))

    assert one.duplicate_of == ("first" if linked else None)
    assert one.keys == (() if linked else (SHOP,))


def test_repetition_within_one_batch_is_linked_to_the_first() -> None:
    linked = link([understood(arrived(name, after)) for name, after in [("a", 0), ("b", 500), ("c", 900)]], {})

    assert [one.duplicate_of for one in linked] == [None, "a", "a"]


def test_same_words_from_another_endpoint_say_something_else() -> None:
    east, west = arrived("a", endpoint="flux/east"), arrived("b", endpoint="flux/west")

    linked = link([understood(east), understood(west)], {})

    assert [one.duplicate_of for one in linked] == [None, None]


def test_delivery_without_meaning_is_never_linked() -> None:
    linked = link([understood(arrived("a"), None), understood(arrived("b"), None)], {})

    assert [one.duplicate_of for one in linked] == [None, None]


def test_delivery_sent_through_again_counts_and_becomes_the_original() -> None:
    again = understood(arrived("first", 1), again=True)
    later = understood(arrived("third", 2))

    linked = link([again, later], earlier(pending=True))

    assert [one.duplicate_of for one in linked] == [None, "first"]
    assert linked[0].keys == (SHOP,)


@pytest.mark.parametrize(
    ("parsed", "phase", "reason"),
    [
        (Understood(events=(), semantic_key="push"), "done", ""),
        (Unheard(kind="Wiki Page Hook"), "unheard", "Wiki Page Hook"),
        (Unreadable(reason="no JSON"), "unreadable", "no JSON"),
    ],
)
def test_phase_follows_what_the_parser_says(parsed: Parsed, phase: Phase, reason: str) -> None:
    judged = judge(lambda _: Reading(parsed=parsed, keys=(SHOP,)), arrived("a"), again=False)

    assert (judged.phase, judged.reason) == (phase, reason)


def test_only_understood_deliveries_make_keys_dirty() -> None:
    judged = judge(lambda _: Reading(parsed=Unheard(kind="Wiki Page Hook"), keys=(SHOP,)), arrived("a"), again=False)

    assert judged.keys == ()


def test_parser_that_raises_leaves_a_dead_delivery_with_its_error() -> None:
    def broken(_: Delivery) -> Reading:
        raise KeyError("object_attributes")

    judged = judge(broken, arrived("a"), again=False)

    assert judged.phase == "dead"
    assert "KeyError" in judged.reason
    assert "object_attributes" in judged.reason
