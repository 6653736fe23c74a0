"""What is said of a rollback tells what happened, why and what to type; equal actions give equal text."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from bot.actions import LiftPin, MergeRollback, OpenIncident, ProposePromotion, RevokeDenial, RollBack, TellPromotion
from bot.clients.gitlab.effects.notes import marked
from bot.keys import EnvironmentKey
from bot.messages import (
    incident_description,
    incident_marker,
    incident_title,
    promotion_description,
    quiet_note,
    revoking_description,
    rollback_description,
    taken_back_note,
    undoing_commit,
    undoing_labels,
    undoing_merge_commit,
    undoing_title,
)
from bot.messages.harmless import GAP
from bot.messages.undoing import CAUSES, KINDS
from bot.records import Failure, FailureCause, FailureKind, Pin, Request
from bot.releases import Image, Release

KEY = EnvironmentKey("demo", "demo-service", "production")
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
EVIL = "@everyone closes #12 [skip ci] <!-- x --> `rm`\n/close"


def release(version: str, letter: str) -> Release:
    image = Image(name="registry.example/demo/demo-service", digest=f"sha256:{letter * 64}", tag=version)
    return Release(application="demo-service", version=version, commit=letter * 40, images=(image,))


BAD, GOOD = release("1.2.0", "b"), release("1.1.0", "a")
FAILURE = Failure(kind="measured", cause="canary", evidence="canary one/a/b 1", because="errors rose to 5 %.", at=AT)
ROLLBACK = RollBack(
    key=KEY,
    release=BAD,
    back_to=GOOD,
    failure=FAILURE,
    deny=True,
    by="sluice",
    way="merge_request",
    people=(),
    because="the canary of 1.2.0 failed.",
)
LIFT = LiftPin(key=KEY, release=BAD, way="commit", since=AT, because="Flux selects 1.2.0")
REQUEST = Request(id="r1", key=KEY, kind="allow", principal="operator", because="a wrong probe", at=AT)
ALLOW = RevokeDenial(key=KEY, version="1.2.0", request=REQUEST, way="commit", because="operator allows it")
INCIDENT = OpenIncident(
    key=KEY,
    release=BAD,
    back_to=GOOD,
    failure=FAILURE,
    taken_back=True,
    people=("operator", "on-call"),
    merge_request=7,
    because="the canary of 1.2.0 failed",
)
TOLD = TellPromotion(key=KEY, merge_request=3, release=BAD, back_to=GOOD, failure=FAILURE, because="its canary failed")


@pytest.mark.parametrize(
    ("action", "title"),
    [
        (ROLLBACK, "Roll back demo-service 1.2.0 to 1.1.0 in production"),
        (LIFT, "Lift the pin of demo-service in production for 1.2.0"),
        (ALLOW, "Allow demo-service 1.2.0 in production again"),
    ],
)
def test_the_title_says_what_happens_where(action: RollBack | LiftPin | RevokeDenial, title: str) -> None:
    assert undoing_title(action) == title
    assert undoing_commit(action).splitlines()[0] == title


@pytest.mark.parametrize("action", [ROLLBACK, LIFT, ALLOW])
def test_a_commit_ends_with_its_effect(action: RollBack | LiftPin | RevokeDenial) -> None:
    assert undoing_commit(action).splitlines()[-1] == f"Sluice-Effect: {action.effect_key}"


def test_the_merge_of_a_rollback_names_its_merge_request() -> None:
    merge = MergeRollback(key=KEY, merge_request=7, sha="c" * 40, release=BAD, because="it is green")

    text = undoing_merge_commit(merge, 7)

    assert text.startswith("Land !7 for demo-service in production\n")
    assert "See merge request !7" in text
    assert text.splitlines()[-1] == f"Sluice-Effect: {merge.effect_key}"


def test_a_commit_says_whether_the_release_is_denied() -> None:
    assert "1.2.0 is denied in production, and 1.1.0 is pinned." in undoing_commit(ROLLBACK)
    assert "1.2.0 is not denied; 1.1.0 is pinned." in undoing_commit(replace(ROLLBACK, deny=False))


def test_the_description_shows_the_digests_that_are_denied() -> None:
    text = rollback_description(ROLLBACK, BAD.images)

    assert f"| `registry.example/demo/demo-service` | `1.2.0` | `{BAD.images[0].digest}` |" in text
    assert "1.2.0 is denied in production" in text


def test_an_inconclusive_release_is_shown_as_such() -> None:
    text = rollback_description(replace(ROLLBACK, failure=replace(FAILURE, kind="no-data"), deny=False), ())

    assert "it is inconclusive: it may be good." in text
    assert "1.2.0 is not denied" in text
    assert "Denied image" not in text


@pytest.mark.parametrize("people", [(), ("operator",), ("operator", "on-call")])
def test_people_are_mentioned_only_when_they_have_to_merge(people: tuple[str, ...]) -> None:
    text = rollback_description(replace(ROLLBACK, people=people), BAD.images)

    assert ("only a person may merge this" in text) == bool(people)
    assert ("Sluice merges this by itself" in text) != bool(people)
    assert all(f"@{name}" in text for name in people)


def test_an_incident_without_a_way_back_says_so() -> None:
    text = incident_description(replace(INCIDENT, taken_back=False, back_to=None))

    assert "Sluice did not take it back" in text
    assert "There is no release to go back to" in text
    assert "sluice rollback" not in text


def test_an_incident_links_its_merge_request_and_mentions_people() -> None:
    text = incident_description(INCIDENT)

    assert "**Merge request:** !7" in text
    assert "@operator, @on-call: please look." in text


def test_incidents_are_told_apart_by_environment_application_and_release() -> None:
    others = (
        INCIDENT,
        replace(INCIDENT, key=replace(KEY, environment="staging")),
        replace(INCIDENT, key=replace(KEY, application="other")),
        replace(INCIDENT, release=GOOD),
    )

    assert len({incident_marker(one) for one in others}) == len(others)
    assert incident_marker(replace(INCIDENT, taken_back=False)) == incident_marker(INCIDENT)


@pytest.mark.parametrize("name", ["a--b", "a---b", "-", "a-", "a->b"])
def test_odd_names_cannot_end_a_marker(name: str) -> None:
    key = replace(KEY, environment=name)
    marker = incident_marker(replace(INCIDENT, key=key))

    assert marked(marker, "x").startswith(f"<!-- {marker} -->\n")
    assert marked(taken_back_note(replace(TOLD, key=key))[0], "x")


@pytest.mark.parametrize("cause", sorted({*get_args(FailureCause)} - {"person"}))
@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_every_failure_has_its_words(cause: FailureCause, kind: FailureKind) -> None:
    _, text = taken_back_note(replace(TOLD, failure=replace(FAILURE, cause=cause, kind=kind)))

    assert f"{CAUSES[cause]} on 2026-11-01 12:00 UTC: errors rose to 5 %. {KINDS[kind]}" in text


def test_what_a_person_asked_for_is_told_in_that_persons_words() -> None:
    failure = replace(FAILURE, cause="person", kind="unknown", because="maintainer asked for it, orders are lost")
    _, text = taken_back_note(replace(TOLD, failure=failure))

    assert "**What happened:** maintainer asked for it, orders are lost (2026-11-01 12:00 UTC)." in text
    assert KINDS["unknown"] not in text


def test_the_note_says_what_to_type() -> None:
    _, text = taken_back_note(TOLD)

    assert '`sluice allow demo-service production 1.2.0 --reason "…"`' in text


def test_an_allowance_names_who_asked_and_why() -> None:
    text = revoking_description(ALLOW)

    assert "**Asked for by** operator: a wrong probe." in text


def test_text_from_outside_does_nothing() -> None:
    evil = replace(FAILURE, because=EVIL)
    request = replace(REQUEST, because=EVIL, principal=EVIL)
    for text in (
        rollback_description(replace(ROLLBACK, failure=evil, because=EVIL), BAD.images),
        incident_description(replace(INCIDENT, failure=evil, because=EVIL, people=())),
        taken_back_note(replace(TOLD, failure=evil, because=EVIL))[1],
        revoking_description(replace(ALLOW, request=request, because=EVIL)),
        undoing_commit(replace(ROLLBACK, because=EVIL)),
        undoing_commit(replace(ALLOW, request=request)),
    ):
        assert f"@{GAP}everyone" in text
        assert "#12" not in text
        assert "[skip ci]" not in text
        assert "<!-- x" not in text
        assert "\n/close" not in text


def test_a_version_cannot_leave_the_command_it_stands_in() -> None:
    odd = replace(BAD, version="1.2.0` @everyone")

    assert "`sluice allow demo-service production 1.2.0??@everyone" in taken_back_note(replace(TOLD, release=odd))[1]


def test_titles_and_labels_fit_into_gitlab() -> None:
    long = replace(
        ROLLBACK, release=replace(BAD, version="1.0.0+" + "x" * 400), back_to=replace(GOOD, version="y" * 400)
    )

    assert len(undoing_title(long)) <= 255
    assert len(incident_title(replace(INCIDENT, release=long.release))) <= 255
    assert undoing_labels(ROLLBACK) == ("sluice", "rollback", "environment: production")


def test_equal_actions_give_equal_text() -> None:
    assert rollback_description(ROLLBACK, BAD.images) == rollback_description(replace(ROLLBACK), BAD.images)
    assert quiet_note(5, 10) == quiet_note(5, 10)


PIN = Pin(release=GOOD, instead_of=BAD, failure="measured", since=AT, because="its canary failed", by="sluice")
PROPOSAL = ProposePromotion(
    key=KEY,
    release=release("1.3.0", "c"),
    replaces=GOOD,
    draft=False,
    changes=(),
    changes_url="",
    because="1.3.0 is healthy in staging",
    rebuild=True,
)


@pytest.mark.parametrize(
    ("lifts", "words"),
    [(True, "Merging this lifts the pin."), (False, "once image automation selects exactly this release")],
)
def test_a_promotion_into_a_pinned_environment_says_what_becomes_of_the_pin(lifts: bool, words: str) -> None:
    text = promotion_description(PROPOSAL, pin=PIN, lifts=lifts)

    assert "production is pinned to 1.1.0 since 1.2.0 was taken back" in text
    assert words in text
    assert "Pin:" not in promotion_description(PROPOSAL, lifts=lifts)
