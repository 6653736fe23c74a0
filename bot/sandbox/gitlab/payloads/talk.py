"""Note, emoji and issue payloads."""

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.payloads.common import (
    hook_commit,
    hook_labels,
    hook_project,
    hook_repository,
    hook_time,
    hook_user,
)
from bot.sandbox.gitlab.payloads.merge_request import merge_request_attributes
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Award, Issue, MergeRequest, Note
from bot.sandbox.gitlab.repository import Commit

Noteable = MergeRequest | Issue | Commit


def note_payload(
    lab: Instance,
    project: Project,
    note: Note,
    user: User,
    noteable: Noteable,
    *,
    action: str,
    head: Commit | None,
) -> Json:
    """`head` is the merge request's head commit; `user` is who wrote or edited the note."""
    return {
        "object_kind": "note",
        "event_type": "confidential_note" if note.internal else "note",
        "user": hook_user(user),
        "project_id": project.id,
        "project": hook_project(lab, project),
        "object_attributes": {**_note_attributes(lab, project, note, noteable), "action": action},
        "repository": hook_repository(lab, project),
        **_noteable(lab, project, noteable, head),
    }


def emoji_payload(
    lab: Instance,
    project: Project,
    award: Award,
    *,
    action: str,
    note: Note | None,
    noteable: MergeRequest | Issue,
    head: Commit | None,
) -> Json:
    """`action` is `award` or `revoke`; a note's emoji carries the note and what it hangs on."""
    attributes: Json = {
        "user_id": award.user.id,
        "created_at": hook_time(award.created_at),
        "updated_at": hook_time(award.created_at),
        "id": award.id,
        "name": award.name,
        "awardable_type": award.awardable_type,
        "awardable_id": award.awardable_id,
        "action": action,
        "awarded_on_url": _url(lab, project, noteable) + (f"#note_{note.id}" if note else ""),
    }
    carried = {"note": _note_attributes(lab, project, note, noteable)} if note else {}
    return {
        "object_kind": "emoji",
        "event_type": action,
        "user": hook_user(award.user),
        "project_id": project.id,
        "project": hook_project(lab, project),
        "object_attributes": attributes,
        **carried,
        **_noteable(lab, project, noteable, head),
    }


def issue_payload(lab: Instance, project: Project, issue: Issue, user: User, *, action: str, changes: Json) -> Json:
    people: Json = {}
    if issue.assignees:
        shown = [hook_user(one) for one in issue.assignees]
        people = {"assignees": shown, "assignee": shown[0]}
    return {
        "object_kind": "issue",
        "event_type": "confidential_issue" if issue.confidential else "issue",
        "user": hook_user(user),
        "project": hook_project(lab, project),
        "object_attributes": {**_issue_attributes(lab, project, issue), "action": action},
        "labels": hook_labels(project, issue.labels),
        "changes": changes,
        "repository": hook_repository(lab, project),
        **people,
    }


def _note_attributes(lab: Instance, project: Project, note: Note, noteable: Noteable) -> Json:
    return {
        "id": note.id,
        "note": note.body,
        "description": note.body,
        "type": None,
        "noteable_type": note.noteable_type,
        "noteable_id": None if note.noteable_type == "Commit" else note.noteable_id,
        "author_id": note.author.id,
        "created_at": hook_time(note.created_at),
        "updated_at": hook_time(note.updated_at),
        "project_id": project.id,
        "attachment": None,
        "change_position": None,
        "original_position": None,
        "position": None,
        "discussion_id": note.discussion_id,
        "internal": note.internal,
        "line_code": None,
        "commit_id": note.commit_id,
        "resolved_at": None,
        "resolved_by_id": None,
        "resolved_by_push": None,
        "system": note.system,
        "st_diff": None,
        "url": f"{_url(lab, project, noteable)}#note_{note.id}",
    }


def _noteable(lab: Instance, project: Project, noteable: Noteable, head: Commit | None) -> Json:
    match noteable:
        case MergeRequest():
            attributes = merge_request_attributes(lab, project, noteable, head)
            return {"merge_request": {**attributes, "project_id": project.id}}
        case Issue():
            return {"issue": _issue_attributes(lab, project, noteable)}
        case Commit():
            return {"commit": hook_commit(lab, project, noteable)}


def _url(lab: Instance, project: Project, noteable: Noteable) -> str:
    web = f"{lab.url}/{project.path_with_namespace}/-"
    match noteable:
        case MergeRequest():
            return f"{web}/merge_requests/{noteable.iid}"
        case Issue():
            return f"{web}/issues/{noteable.iid}"
        case Commit():
            return f"{web}/commit/{noteable.sha}"


def _issue_attributes(lab: Instance, project: Project, issue: Issue) -> Json:
    return {
        "id": issue.id,
        "iid": issue.iid,
        "title": issue.title,
        "description": issue.description,
        "assignee_id": issue.assignees[0].id if issue.assignees else None,
        "assignee_ids": [one.id for one in issue.assignees],
        "author_id": issue.author.id,
        "project_id": project.id,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at),
        "updated_by_id": None,
        "last_edited_at": None,
        "last_edited_by_id": None,
        "relative_position": 0,
        "position": 0,
        "branch_name": None,
        "milestone_id": None,
        "state": issue.state,
        "state_id": 1 if issue.state == "opened" else 2,
        "confidential": issue.confidential,
        "discussion_locked": None,
        "start_date": None,
        "due_date": issue.due_date,
        "moved_to_id": None,
        "duplicated_to_id": None,
        "time_estimate": 0,
        "total_time_spent": 0,
        "time_change": 0,
        "human_total_time_spent": None,
        "human_time_estimate": None,
        "human_time_change": None,
        "weight": None,
        "severity": "unknown",
        "escalation_status": None,
        "escalation_policy": None,
        "labels": hook_labels(project, issue.labels),
        "url": _url(lab, project, issue),
    }
