"""Issues and incidents: who opens them, how they are found, and what happens where they are switched off."""

from typing import Any

import pytest
from contract.forge import DEVELOPER, GUEST, MAINTAINER, REPORTER, Forge, refused
from gitlab.v4.objects import Project


@pytest.mark.rule("issue-incident")
@pytest.mark.parametrize(("level", "kind"), [(REPORTER, "incident"), (GUEST, "issue")])
def test_incident_is_opened_by_reporters_and_above(forge: Forge, project: Project, level: int, kind: str) -> None:
    person = forge.person(project, level)

    made = person.of(project).issues.create({"title": "Rolled back", "issue_type": "incident"})

    assert made.issue_type == kind
    assert made.author["username"] == person.username
    assert [one.iid for one in project.issues.list(issue_type="incident", get_all=True)] == (
        [made.iid] if kind == "incident" else []
    )


def test_unknown_issue_type_is_refused(project: Project) -> None:
    with refused(400, "issue_type does not have a valid value"):
        project.issues.create({"title": "one", "issue_type": "disaster"})


@pytest.mark.rule("issue-disabled-403")
def test_switched_off_issues_are_refused_to_everybody(forge: Forge, project: Project) -> None:
    issue = project.issues.create({"title": "before"})
    maintainer = forge.person(project, MAINTAINER).of(project)
    project.issues_access_level = "disabled"
    project.save()

    with refused(403):
        maintainer.issues.create({"title": "after"})
    with refused(403):
        maintainer.issues.list(get_all=True)
    with refused(404):
        maintainer.issues.get(issue.iid)
    with refused(404):
        maintainer.issues.get(issue.iid, lazy=True).notes.create({"body": "still?"})


@pytest.mark.rule("issue-filters")
def test_issues_are_found_by_author_number_and_words(forge: Forge, project: Project) -> None:
    one, other = forge.person(project, REPORTER), forge.person(project, REPORTER)
    first = one.of(project).issues.create({"title": "shop failed", "description": "in production"}).iid
    second = one.of(project).issues.create({"title": "cart failed"}).iid
    third = other.of(project).issues.create({"title": "cart slow"}).iid

    def found(**query: Any) -> list[int]:
        return [issue.iid for issue in project.issues.list(get_all=True, **query)]

    assert found() == [third, second, first]
    assert found(author_id=one.id, order_by="created_at", sort="asc") == [first, second]
    assert found(author_username=other.username) == [third]
    assert found(iids=[second, third], sort="asc") == [second, third]
    assert found(search="production") == [first]
    assert found(search="production", **{"in": "title"}) == []


@pytest.mark.rule("issue-title-400")
@pytest.mark.parametrize(("title", "words"), [("  ", "can't be blank"), ("x" * 256, "is too long")])
def test_title_is_neither_blank_nor_too_long(project: Project, title: str, words: str) -> None:
    with refused(400, words):
        project.issues.create({"title": title})


@pytest.mark.rule("issue-edit-others-403")
def test_guest_edits_only_the_issues_opened_by_that_guest(forge: Forge, project: Project) -> None:
    guest = forge.person(project, GUEST).of(project)
    theirs, own = project.issues.create({"title": "theirs"}), guest.issues.create({"title": "own"})

    guest.issues.update(own.iid, {"title": "mine"})

    assert project.issues.get(own.iid).title == "mine"
    with refused(403):
        guest.issues.update(theirs.iid, {"title": "mine, too"})
    with refused(400, "at least one parameter must be provided"):
        guest.issues.update(own.iid, {"colour": "red"})


@pytest.mark.rule("issue-life")
def test_issue_is_closed_and_reopened(project: Project) -> None:
    issue = project.issues.create({"title": "one"})

    project.issues.update(issue.iid, {"state_event": "close"})
    closed = project.issues.get(issue.iid)
    project.issues.update(issue.iid, {"state_event": "reopen"})
    reopened = project.issues.get(issue.iid)

    assert (closed.state, closed.attributes["closed_by"]["username"]) == ("closed", issue.author["username"])
    assert (reopened.state, reopened.closed_at) == ("opened", None)
    assert [note.body for note in issue.notes.list(get_all=True, sort="asc")] == ["closed", "reopened"]


@pytest.mark.rule("issue-assignee-free")
def test_free_assigns_the_first_who_can_see_the_project(forge: Forge, project: Project) -> None:
    stranger, first, second = forge.person(), forge.person(project, DEVELOPER), forge.person(project, DEVELOPER)
    wanted = [stranger.id, first.id, second.id]

    issue = project.issues.create({"title": "one", "assignee_ids": wanted})

    assert [one["id"] for one in issue.assignees] == [first.id]


@pytest.mark.rule("issue-quick-actions")
def test_quick_actions_are_taken_out_of_a_description(project: Project) -> None:
    issue = project.issues.create({"title": "one", "description": "what happened\n/label ~held\nand why"})

    assert issue.description == "what happened\nand why"


@pytest.mark.rule("issue-notes")
def test_issue_is_commented_and_counts_its_notes(forge: Forge, project: Project) -> None:
    issue = project.issues.create({"title": "one"})

    forge.person(project, GUEST).of(project).issues.get(issue.iid).notes.create({"body": "me, too"})

    assert [note.body for note in issue.notes.list(get_all=True)] == ["me, too"]
    assert project.issues.get(issue.iid).user_notes_count == 1
