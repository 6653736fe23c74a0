"""The merge request tells what, why, which commits and images, and how it stands; equal actions give equal text."""

import subprocess
import sys
from dataclasses import replace
from typing import get_args

import pytest

from bot.actions import ClosePromotion, Gate, Line, MergePromotion, ProposePromotion, Verdict, WriteInstall, WriteSticky
from bot.clients.gitlab.effects.notes import marked
from bot.keys import ConfigKey, EnvironmentKey
from bot.messages import (
    CLOSING_MARKER,
    STICKY_MARKER,
    closing_note,
    install_commit,
    merge_commit,
    promotion_commit,
    promotion_description,
    promotion_labels,
    promotion_title,
    status_description,
    sticky,
)
from bot.messages.promotion import STANDINGS
from bot.records import PromotionState
from bot.releases import Image, Release

KEY = EnvironmentKey("demo", "demo-service", "staging")
PROJECT = "https://gitlab.example/demo/demo-service"


def release(version: str, letter: str) -> Release:
    image = Image(name="registry.example/demo/demo-service", digest=f"sha256:{letter * 64}", tag=version)
    return Release(application="demo-service", version=version, commit=letter * 40, images=(image,))


NEW, OLD = release("1.1.0", "b"), release("1.0.0", "a")
PROPOSAL = ProposePromotion(
    key=KEY,
    release=NEW,
    replaces=OLD,
    draft=False,
    changes=(Line(sha="b" * 40, title="Greet by name"), Line(sha="c" * 40, title="")),
    changes_url=f"{PROJECT}/-/compare/{'a' * 40}...{'b' * 40}",
    because="1.1.0 is healthy in dev",
    rebuild=True,
)
NOTE = WriteSticky(key=KEY, merge_request=3, release=NEW, state="ready", gates=(), because="1.1.0 is ready")


def gate(verdict: Verdict) -> Gate:
    return Gate(name="healthy before", verdict=verdict, because="1.1.0 is healthy in dev")


def test_the_title_says_what_goes_where() -> None:
    assert promotion_title(PROPOSAL) == "Promote demo-service 1.1.0 to staging"


def test_a_draft_is_named_so_in_the_title() -> None:
    assert promotion_title(replace(PROPOSAL, draft=True)) == "Draft: Promote demo-service 1.1.0 to staging"


def test_a_title_fits_into_gitlab() -> None:
    long = replace(PROPOSAL, draft=True, release=replace(NEW, version="1.0.0+" + "x" * 400))

    assert len(promotion_title(long)) <= 255


def test_the_description_begins_with_its_hidden_marker() -> None:
    marker = f"<!-- sluice:promotion demo/demo-service@staging release={NEW.id} -->"

    assert promotion_description(PROPOSAL).splitlines()[0] == marker


def test_the_description_tells_why_and_in_place_of_what() -> None:
    text = promotion_description(PROPOSAL)

    assert "**demo-service 1.1.0** goes to **staging**, where 1.0.0 is now." in text
    assert "**Why:** 1.1.0 is healthy in dev." in text


def test_the_description_links_each_commit_and_the_comparison() -> None:
    text = promotion_description(PROPOSAL)

    assert f"- [`bbbbbbbb`]({PROJECT}/-/commit/{'b' * 40}) Greet by name" in text
    assert f"- [`cccccccc`]({PROJECT}/-/commit/{'c' * 40}) (no title)" in text
    assert f"({PROPOSAL.changes_url})" in text
    assert f"Built from [`bbbbbbbb`]({PROJECT}/-/commit/{'b' * 40})." in text


def test_the_description_names_every_image_by_digest() -> None:
    second = Image(name="registry.example/demo/worker", digest=f"sha256:{'e' * 64}")
    text = promotion_description(replace(PROPOSAL, release=replace(NEW, images=(*NEW.images, second))))

    assert f"| `registry.example/demo/demo-service` | `1.1.0` | `sha256:{'b' * 64}` |" in text
    assert f"| `registry.example/demo/worker` | `-` | `sha256:{'e' * 64}` |" in text


def test_a_long_change_list_is_counted_instead_of_shown() -> None:
    many = tuple(Line(sha=f"{number:040x}", title=f"Change {number}") for number in range(73))
    text = promotion_description(replace(PROPOSAL, changes=many))

    assert text.count("Change ") == 50
    assert "… and 23 more" in text


@pytest.mark.parametrize(
    ("proposal", "sentence"),
    [
        (replace(PROPOSAL, replaces=None), "there is nothing to compare with"),
        (replace(PROPOSAL, changes=()), "their images differ"),
        (replace(PROPOSAL, changes=(), changes_url=""), "It is not known from which commits"),
    ],
)
def test_a_missing_change_list_is_explained(proposal: ProposePromotion, sentence: str) -> None:
    assert sentence in promotion_description(proposal)


def test_the_project_may_be_named_for_links() -> None:
    text = promotion_description(replace(PROPOSAL, changes_url=""), project_url=PROJECT)

    assert f"]({PROJECT}/-/commit/{'b' * 40})" in text


def test_the_commit_carries_the_effect_as_its_last_line() -> None:
    lines = promotion_commit(PROPOSAL).splitlines()

    assert lines[0] == "Promote demo-service 1.1.0 to staging"
    assert "Why: 1.1.0 is healthy in dev." in lines
    assert lines[1] == lines[-2] == ""
    assert lines[-1] == "Sluice-Effect: merge-request:app:demo/demo-service@staging"


def test_the_commit_is_wrapped_as_git_shows_it_best() -> None:
    long = replace(PROPOSAL, because="it is healthy " * 30, release=replace(NEW, version="1." + "1" * 90))
    lines = promotion_commit(long).splitlines()

    assert max(len(line) for line in lines) <= 72


def test_git_finds_the_trailer() -> None:
    found = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=promotion_commit(PROPOSAL),
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == f"Sluice-Effect: {PROPOSAL.effect_key}\n"


def test_the_sticky_note_is_found_by_its_marker() -> None:
    marker, body = sticky(NOTE)

    assert marked(marker, body).splitlines()[0] == f"<!-- {STICKY_MARKER} -->"


def test_the_sticky_note_shows_each_gate_with_its_verdict() -> None:
    gates = (gate("green"), Gate(name="merge proof", verdict="waiting", because="pipeline 7 is running"))
    body = sticky(replace(NOTE, gates=gates))[1]

    assert "| ✅ | healthy before | 1.1.0 is healthy in dev |" in body
    assert "| ⏳ | merge proof | pipeline 7 is running |" in body


@pytest.mark.parametrize(
    ("verdicts", "headline", "summary"),
    [
        (("green", "green"), "### ✅ demo-service 1.1.0 is ready for staging", "All gates are green."),
        (("green", "waiting"), "### ⏳ demo-service 1.1.0 waits to enter staging", "1 of 2 gates are waiting"),
        (("red", "waiting"), "### ❌ demo-service 1.1.0 cannot enter staging", "1 of 2 gates stand against it"),
    ],
)
def test_the_headline_follows_the_gates(verdicts: tuple[Verdict, ...], headline: str, summary: str) -> None:
    body = sticky(replace(NOTE, gates=tuple(gate(verdict) for verdict in verdicts)))[1]

    assert headline in body.splitlines()
    assert summary in body


@pytest.mark.parametrize("state", get_args(PromotionState))
def test_every_state_has_words_of_its_own(state: PromotionState) -> None:
    icon, words = STANDINGS[state]

    body = sticky(replace(NOTE, state=state, because="it runs in demo"))[1]

    assert f"### {icon} demo-service 1.1.0 {words} staging" in body
    assert "it runs in demo." in body


def test_a_closed_merge_request_says_why_and_where_it_goes_on() -> None:
    close = ClosePromotion(key=KEY, merge_request=3, because="superseded by 1.2.0", instead=4)

    assert marked(CLOSING_MARKER, closing_note(close)).startswith(f"<!-- {CLOSING_MARKER} -->")
    assert closing_note(close) == "**Closed:** superseded by 1.2.0.\n\nIt goes on in !4."


def test_the_merge_names_its_merge_request_and_its_effect() -> None:
    action = MergePromotion(key=KEY, merge_request=3, sha="d" * 40, release=NEW, because="1.1.0 may land")

    lines = merge_commit(action).splitlines()

    assert lines[0] == "Promote demo-service 1.1.0 to staging"
    assert lines[2:4] == ["Why: 1.1.0 may land.", "See merge request !3"]
    assert lines[-1] == f"Sluice-Effect: merge:demo:3:{'d' * 40}"


def test_adoption_is_told_with_who_asked() -> None:
    action = WriteInstall(key=ConfigKey("demo"), installation="5f", asked_by="maintainer", because="maintainer asked")

    assert install_commit(action).splitlines()[0] == "Adopt this repository for Sluice"
    assert "Why: maintainer asked." in install_commit(action)
    assert install_commit(action).endswith("Sluice-Effect: install:demo:5f")


def test_labels_name_the_bot_and_the_environment() -> None:
    assert promotion_labels(PROPOSAL) == ("sluice", "environment: staging")


def test_equal_actions_give_equal_text() -> None:
    again = replace(PROPOSAL)

    assert promotion_description(again) == promotion_description(PROPOSAL)
    assert promotion_commit(again) == promotion_commit(PROPOSAL)
    assert sticky(replace(NOTE, gates=(gate("red"),))) == sticky(replace(NOTE, gates=(gate("red"),)))


def test_a_description_is_cut_at_a_word() -> None:
    text = status_description("word " * 60)

    assert text.endswith("word…")
    assert 130 < len(text) <= 140


def test_templates_cost_nothing_until_a_message_is_written() -> None:
    script = "import sys, bot.messages; sys.exit('jinja2' in sys.modules)"

    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stderr
