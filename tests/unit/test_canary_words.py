"""Flagger's sentences are those of the newest analysis, whichever of its two ways out each of them took."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.looking.canary_words import KEPT, LONGEST, Word, of_the_newest_analysis

START = datetime(2026, 11, 23, 7, 23, tzinfo=UTC)
BEGIN, AGAIN = "New revision detected! Scaling up web.shop", "New revision detected! Restarting analysis for web.shop"
MEASURED, GAP, END = (
    "Halt web.shop advancement success 50.00 < 99",
    "Halt advancement no values found for metric success",
    "Canary failed! Scaling down web.shop",
)
Story = list[tuple[float, str]]


def told(*said: tuple[float, str]) -> list[Word]:
    """As hooks tell it: to the millisecond. said: seconds and sentence."""
    return [Word(at=START + timedelta(seconds=seconds), message=message) for seconds, message in said]


def kept(*said: tuple[float, str]) -> list[Word]:
    """As Events tell it: to the second, last said last."""
    words = {message: Word(at=START + timedelta(seconds=int(seconds)), message=message) for seconds, message in said}
    return sorted(words.values(), key=lambda word: word.at)


WHOLE: Story = [(0.2, BEGIN), (10.2, GAP), (20.2, MEASURED), (30.2, END)]


@pytest.mark.parametrize(
    ("events", "hooks", "found"),
    [
        (WHOLE, WHOLE, (BEGIN, GAP, MEASURED, END)),
        (WHOLE, [], (BEGIN, GAP, MEASURED, END)),
        ([], WHOLE, (BEGIN, GAP, MEASURED, END)),
        ([WHOLE[0], WHOLE[3]], WHOLE[1:3], (BEGIN, GAP, MEASURED, END)),
        (WHOLE[1:3], [WHOLE[0], WHOLE[3]], (BEGIN, GAP, MEASURED, END)),
        (WHOLE[1:], WHOLE[2:], ()),
        ([], [], ()),
    ],
    ids=["both", "hooks lost", "events lost", "hooks fill in", "events fill in", "no beginning", "silence"],
)
def test_either_source_fills_what_the_other_lost(events: Story, hooks: Story, found: tuple[str, ...]) -> None:
    assert of_the_newest_analysis(kept(*events), told(*hooks)) == found


BEFORE: Story = [(0.2, BEGIN), (10.2, MEASURED), (20.2, END)]
AFTER: Story = [(60.2, AGAIN), (70.2, GAP), (80.2, END)]


@pytest.mark.parametrize(
    ("events", "hooks"),
    [
        ([*BEFORE, *AFTER], [*BEFORE, *AFTER]),
        (BEFORE, [*BEFORE, *AFTER]),
        ([*BEFORE, *AFTER[1:]], [AFTER[0]]),
        ([*BEFORE, *AFTER], BEFORE),
        ([AFTER[0]], [*BEFORE, *AFTER[1:]]),
    ],
    ids=["both", "events folded", "events without their beginning", "hooks lost", "hooks without their beginning"],
)
def test_what_was_measured_before_is_not_said_of_the_next_analysis(events: Story, hooks: Story) -> None:
    assert of_the_newest_analysis(kept(*events), told(*hooks)) == (AGAIN, GAP, END)


def test_a_beginning_across_a_second_is_one_beginning() -> None:
    events = [Word(at=START, message=BEGIN), Word(at=START, message=GAP)]

    assert of_the_newest_analysis(events, told((1.001, BEGIN), (9, END))) == (BEGIN, GAP, END)


def test_what_ended_within_the_second_of_a_beginning_is_of_the_analysis_before() -> None:
    hooks = told((0.1, MEASURED), (0.4, END), (0.6, BEGIN), (0.8, GAP))

    assert of_the_newest_analysis([], hooks) == (BEGIN, GAP)
    assert of_the_newest_analysis(kept((0, MEASURED)), hooks) == (BEGIN, GAP)


def test_a_long_analysis_is_told_by_its_newest_sentences() -> None:
    messages = of_the_newest_analysis([], told((0, BEGIN), *((n + 1, f"Advance {n}") for n in range(200))))

    assert len(messages) == KEPT + 1
    assert (messages[0], messages[-1]) == (BEGIN, "Advance 199")


def test_a_long_sentence_is_one_sentence_in_both() -> None:
    long = "x" * 2000

    found = of_the_newest_analysis(kept((0, BEGIN), (9, long)), told((0, BEGIN), (9, long[:LONGEST])))

    assert found == (BEGIN, "x" * LONGEST)


sentences = st.sampled_from([BEGIN, AGAIN, MEASURED, GAP, END])
histories = st.lists(st.tuples(st.integers(0, 9), sentences), max_size=12).map(
    lambda said: [(10.0 * place + jitter / 10, message) for place, (jitter, message) in enumerate(said)]
)


@given(histories, st.data())
def test_whatever_is_lost_nothing_is_told_of_another_analysis(story: Story, data: st.DataObject) -> None:
    lost_events, lost_hooks = (data.draw(st.sets(st.integers(0, 11))) for _ in range(2))
    events = [one for place, one in enumerate(story) if place not in lost_events]
    hooks = [one for place, one in enumerate(story) if place not in lost_hooks]
    known = [seconds for seconds, message in (*events, *hooks) if message in (BEGIN, AGAIN)]

    found = of_the_newest_analysis(kept(*events), told(*hooks))

    newest = {message for seconds, message in (*events, *hooks) if known and seconds >= max(known)}
    assert set(found) == newest
    assert len(found) == len(set(found))
    assert not found or found[0] in (BEGIN, AGAIN)
