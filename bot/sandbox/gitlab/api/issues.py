"""Issues and labels."""

from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page, stamp
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.notes import add_system_note
from bot.sandbox.gitlab.payloads.common import hook_changes
from bot.sandbox.gitlab.payloads.talk import issue_payload
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import conflict, forbidden, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Issue, Label
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.merge_requests import label_view
from bot.sandbox.gitlab.views.people import user_basic, user_or_none

ROUTES = RouteTable()
ISSUES, LABELS = "/projects/:id/issues", "/projects/:id/labels"


@ROUTES.get(ISSUES)
async def list_issues(call: Call) -> Reply:
    project = call.project()
    found = [issue for issue in project.issues.values() if _wanted(call, project, issue)]
    found.sort(key=lambda issue: issue.iid, reverse=call.text("sort", "desc") == "desc")
    return page(call, found, lambda issue: issue_view(call, project, issue))


@ROUTES.get(f"{ISSUES}/:issue_iid")
async def get_issue(call: Call) -> Reply:
    project = call.project()
    return ok(issue_view(call, project, call.issue(project)))


@ROUTES.post(ISSUES)
async def create_issue(call: Call) -> Reply:
    project = call.project()
    issue = Issue(
        id=call.lab.next_id("issue"),
        iid=len(project.issues) + 1,
        title=call.required("title"),
        description=call.text("description"),
        author=call.actor,
        created_at=call.lab.now(),
        updated_at=call.lab.now(),
        confidential=call.flag("confidential"),
        labels=sorted(call.listing("labels") or []),
        due_date=call.optional_text("due_date"),
    )
    project.issues[issue.iid] = issue
    call.natural_key = f"issue:{project.path_with_namespace}:{issue.title}"
    _make_labels(call, project, issue.labels)
    _tell(call, project, issue, action="open", changes={})
    return created(issue_view(call, project, issue))


@ROUTES.put(f"{ISSUES}/:issue_iid")
async def update_issue(call: Call) -> Reply:
    project = call.project()
    issue = call.issue(project)
    if issue.author is not call.actor and call.level(project) < AccessLevel.PLANNER:
        raise forbidden()
    before, state = _snapshot(issue), issue.state
    issue.title = call.text("title", issue.title)
    issue.description = call.text("description", issue.description)
    labels = call.listing("labels")
    kept = set(issue.labels if labels is None else labels) - set(call.listing("remove_labels") or ())
    issue.labels = sorted(kept | set(call.listing("add_labels") or ()))
    _make_labels(call, project, issue.labels)
    if call.has("state_event"):
        issue.state = "closed" if call.required("state_event", ("close", "reopen")) == "close" else "opened"
    if issue.state != state:
        issue.closed_at, issue.closed_by = (call.lab.now(), call.actor) if issue.state == "closed" else (None, None)
        add_system_note(call.lab, issue, call.actor, "closed" if issue.state == "closed" else "reopened")
    changes = hook_changes(before, _snapshot(issue))
    if changes:
        issue.updated_at = call.lab.now()
        action = "update" if issue.state == state else "close" if issue.state == "closed" else "reopen"
        _tell(call, project, issue, action=action, changes=changes)
    return ok(issue_view(call, project, issue))


@ROUTES.get(LABELS)
async def list_labels(call: Call) -> Reply:
    project = call.project()
    found = sorted(project.labels, key=lambda label: label.name)
    found = [label for label in found if call.text("search").lower() in label.name.lower()]
    return page(call, found, lambda label: _label_view(project, label))


@ROUTES.post(LABELS)
async def create_label(call: Call) -> Reply:
    project, name = call.project(AccessLevel.PLANNER), call.required("name")
    if project.label(name) is not None:
        raise conflict("Label already exists")
    color = call.required("color")
    label = Label(id=call.lab.next_id("label"), name=name, color=color, description=call.optional_text("description"))
    project.labels.append(label)
    call.natural_key = f"label:{project.path_with_namespace}:{name}"
    return created(_label_view(project, label))


@ROUTES.get(f"{LABELS}/:name")
async def get_label(call: Call) -> Reply:
    project = call.project()
    return ok(_label_view(project, _label(call, project)))


@ROUTES.put(f"{LABELS}/:name")
async def update_label(call: Call) -> Reply:
    project = call.project(AccessLevel.PLANNER)
    label = _label(call, project)
    label.name, label.color = call.text("new_name", label.name), call.text("color", label.color)
    label.description = call.text("description", label.description or "") or None
    return ok(_label_view(project, label))


@ROUTES.delete(f"{LABELS}/:name")
async def delete_label(call: Call) -> Reply:
    project = call.project(AccessLevel.PLANNER)
    project.labels.remove(_label(call, project))
    return no_content()


def issue_view(call: Call, project: Project, issue: Issue) -> Json:
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
        "closed_by": user_or_none(call.lab, issue.closed_by),
        "labels": list(issue.labels),
        "milestone": None,
        "assignees": [user_basic(call.lab, one) for one in issue.assignees],
        "assignee": user_or_none(call.lab, issue.assignees[0] if issue.assignees else None),
        "author": user_basic(call.lab, issue.author),
        "type": "ISSUE",
        "issue_type": "issue",
        "user_notes_count": sum(1 for note in issue.notes if not note.system),
        "confidential": issue.confidential,
        "discussion_locked": None,
        "due_date": issue.due_date,
        "web_url": f"{call.lab.url}/{project.path_with_namespace}/-/issues/{issue.iid}",
        "references": {"short": f"#{issue.iid}", "full": f"{project.path_with_namespace}#{issue.iid}"},
    }


def _wanted(call: Call, project: Project, issue: Issue) -> bool:
    state, labels = call.chosen("state", ("opened", "closed", "all"), "all"), call.listing("labels")
    seen = not issue.confidential or issue.author is call.user or call.level(project) >= AccessLevel.PLANNER
    return (
        seen
        and state in ("all", issue.state)
        and (labels is None or set(labels) <= set(issue.labels))
        and call.text("author_username", issue.author.username) == issue.author.username
        and call.text("search").lower() in f"{issue.title} {issue.description}".lower()
    )


def _snapshot(issue: Issue) -> Json:
    return {
        "title": issue.title,
        "description": issue.description,
        "labels": list(issue.labels),
        "state_id": 1 if issue.state == "opened" else 2,
    }


def _tell(call: Call, project: Project, issue: Issue, *, action: str, changes: Json) -> None:
    event = "confidential_issues_events" if issue.confidential else "issues_events"
    payload = issue_payload(call.lab, project, issue, call.actor, action=action, changes=changes)
    call.lab.webhooks.fire(project, event, payload)


def _make_labels(call: Call, project: Project, names: list[str]) -> None:
    for name in names:
        if project.label(name) is None:
            project.labels.append(Label(id=call.lab.next_id("label"), name=name))


def _label(call: Call, project: Project) -> Label:
    wanted = call.path["name"]
    found = next((one for one in project.labels if wanted in (one.name, str(one.id))), None)
    if found is None:
        raise not_found("Label")
    return found


def _label_view(project: Project, label: Label) -> Json:
    return {**label_view(project, label.name), "subscribed": False, "priority": None, "is_project_label": True}
