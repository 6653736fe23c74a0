"""Issues as the API shows them."""

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Issue
from bot.sandbox.gitlab.views.people import user_basic, user_or_none


def issue_view(lab: Instance, project: Project, issue: Issue) -> Json:
    return {
        "id": issue.id,
        "iid": issue.iid,
        "project_id": project.id,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at),
        "closed_by": user_or_none(lab, issue.closed_by),
        "labels": list(issue.labels),
        "milestone": None,
        "assignees": [user_basic(lab, one) for one in issue.assignees],
        "assignee": user_or_none(lab, issue.assignees[0] if issue.assignees else None),
        "author": user_basic(lab, issue.author),
        "type": issue.issue_type.upper(),
        "issue_type": issue.issue_type,
        "user_notes_count": sum(1 for note in issue.notes if not note.system),
        "confidential": issue.confidential,
        "discussion_locked": None,
        "due_date": issue.due_date,
        "web_url": f"{lab.url}/{project.path_with_namespace}/-/issues/{issue.iid}",
        "references": {"short": f"#{issue.iid}", "full": f"{project.path_with_namespace}#{issue.iid}"},
    }
