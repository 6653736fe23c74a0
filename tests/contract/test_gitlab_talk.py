"""Notes, discussions, emoji, issues and labels."""

import pytest
from contract.forge import DEVELOPER, GUEST, MAINTAINER, Forge, commit, open_merge_request, refused
from gitlab.v4.objects import Project


@pytest.mark.rule("note-crud")
def test_note_is_written_edited_and_deleted(project: Project) -> None:
    mr = open_merge_request(project)
    note = mr.notes.create({"body": "first"})

    note.body = "second"
    note.save()

    assert mr.notes.get(note.id).body == "second"
    assert mr.notes.get(note.id).system is False
    note.delete()
    with refused(404):
        mr.notes.get(note.id)


@pytest.mark.rule("note-order")
def test_notes_come_newest_first_unless_asked(project: Project) -> None:
    mr = open_merge_request(project)
    first, second = (mr.notes.create({"body": body}).id for body in ("one", "two"))

    assert [one.id for one in mr.notes.list(get_all=True, activity_filter="only_comments")] == [second, first]
    assert [one.id for one in mr.notes.list(get_all=True, sort="asc", order_by="created_at")][:2] == [first, second]


@pytest.mark.rule("note-edit-own-403")
def test_developer_cannot_edit_another_ones_note(forge: Forge, project: Project) -> None:
    mr = open_merge_request(project)
    note = mr.notes.create({"body": "mine"})
    developer = forge.person(project, DEVELOPER)
    seen = developer.of(project).mergerequests.get(mr.iid).notes.get(note.id)

    seen.body = "yours"
    with refused(403):
        seen.save()


@pytest.mark.rule("note-blank-400")
def test_blank_note_is_refused(project: Project) -> None:
    mr = open_merge_request(project)

    with refused(400, "can't be blank"):
        mr.notes.create({"body": "  "})


@pytest.mark.rule("note-system")
def test_gitlab_itself_notes_what_happened(project: Project) -> None:
    mr = open_merge_request(project)
    commit(project, "feature", {"more.txt": "x\n"}, "more")

    system = mr.notes.list(get_all=True, activity_filter="only_activity")

    assert [one.system for one in system] == [True]
    assert system[0].body.startswith("added")


@pytest.mark.rule("note-internal-hidden")
def test_internal_note_is_hidden_from_guests(forge: Forge, project: Project) -> None:
    issue = project.issues.create({"title": "one"})
    issue.notes.create({"body": "public"})
    issue.notes.create({"body": "among us", "internal": True})
    guest = forge.person(project, GUEST).of(project).issues.get(issue.iid)

    assert [one.body for one in guest.notes.list(get_all=True)] == ["public"]
    assert {one.internal for one in issue.notes.list(get_all=True)} == {True, False}
    with refused(403):
        guest.notes.create({"body": "me too", "internal": True})


@pytest.mark.rule("note-quick-actions")
def test_quick_actions_are_taken_out_of_a_note(project: Project) -> None:
    mr = open_merge_request(project)

    note = mr.notes.create({"body": "/sluice promote staging\n/label ~held\ndone"})

    assert note.body == "/sluice promote staging\ndone"


@pytest.mark.rule("discussion-resolve")
def test_discussion_is_a_thread_that_resolves(project: Project) -> None:
    mr = open_merge_request(project)
    thread = mr.discussions.create({"body": "why?"})
    thread.notes.create({"body": "because"})

    thread.resolved = True
    thread.save()

    found = next(one for one in mr.discussions.list(get_all=True) if one.id == thread.id).attributes
    assert [one["body"] for one in found["notes"]] == ["why?", "because"]
    assert found["notes"][0]["resolved"] is True
    assert found["individual_note"] is False


@pytest.mark.rule("emoji-once-404")
def test_emoji_is_given_once_and_taken_back(project: Project) -> None:
    mr = open_merge_request(project)
    note = mr.notes.create({"body": "vote"})
    award = note.awardemojis.create({"name": "thumbsup"})

    with refused(404, "has already been taken"):
        note.awardemojis.create({"name": "thumbsup"})
    award.delete()

    assert note.awardemojis.list(get_all=True) == []
    assert mr.awardemojis.list(get_all=True) == []


@pytest.mark.rule("issue-life")
def test_issue_opens_closes_and_is_listed(project: Project) -> None:
    issue = project.issues.create({"title": "broken", "labels": "bug"})

    issue.state_event = "close"
    issue.save()

    assert project.issues.list(state="opened", get_all=True) == []
    closed = project.issues.list(state="closed", labels="bug", get_all=True)
    assert [(one.iid, one.title) for one in closed] == [(issue.iid, "broken")]
    assert closed[0].closed_at is not None


@pytest.mark.rule("issue-confidential-404")
def test_confidential_issue_does_not_exist_for_guests(forge: Forge, project: Project) -> None:
    issue = project.issues.create({"title": "secret", "confidential": True})
    guest = forge.person(project, GUEST)

    with refused(404):
        guest.of(project).issues.get(issue.iid)


@pytest.mark.rule("label-twice-409")
def test_label_cannot_be_created_twice(project: Project) -> None:
    project.labels.create({"name": "sluice", "color": "#1d76db"})

    with refused(409, "Label already exists"):
        project.labels.create({"name": "sluice", "color": "#1d76db"})


@pytest.mark.rule("commit-comment")
def test_commit_can_be_commented(forge: Forge, project: Project) -> None:
    sha = project.branches.get("main").commit["id"]
    person = forge.person(project, MAINTAINER)

    person.of(project).commits.get(sha).comments.create({"note": "well done"})

    comments = project.commits.get(sha).comments.list(get_all=True)
    assert [(one.note, one.author["username"]) for one in comments] == [("well done", person.username)]
