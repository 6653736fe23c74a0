"""Issues and incidents."""

from bot.sandbox.gitlab.access import may_see
from bot.sandbox.gitlab.answers import Json, Reply, created, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.notes import add_system_note
from bot.sandbox.gitlab.payloads.common import hook_changes
from bot.sandbox.gitlab.payloads.talk import issue_payload
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.problems import bad_parameter, bad_request, forbidden
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.quick_actions import split_quick_actions
from bot.sandbox.gitlab.records import Issue, IssueType, Label
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.issues import issue_view

ROUTES = RouteTable()
ISSUES = "/projects/:id/issues"
TYPES: dict[str, IssueType] = {"issue": "issue", "incident": "incident", "test_case": "test_case", "task": "task"}
LONGEST_TITLE = 255
CHANGEABLE = (
    *("title", "description", "assignee_ids", "labels", "add_labels", "remove_labels", "state_event"),
    *("due_date", "confidential", "discussion_locked", "milestone_id", "issue_type"),
)


@ROUTES.get(ISSUES)
async def list_issues(call: Call) -> Reply:
    project = _with_issues(call)
    found = [issue for issue in project.issues.values() if _wanted(call, project, issue)]
    by_update = call.chosen("order_by", ("created_at", "updated_at", "title"), "created_at") == "updated_at"
    found.sort(
        key=lambda issue: (issue.updated_at if by_update else issue.created_at, issue.iid),
        reverse=call.chosen("sort", ("asc", "desc"), "desc") == "desc",
    )
    return page(call, found, lambda issue: issue_view(call.lab, project, issue))


@ROUTES.get(f"{ISSUES}/:issue_iid")
async def get_issue(call: Call) -> Reply:
    project = call.project()
    return ok(issue_view(call.lab, project, call.issue(project)))


@ROUTES.post(ISSUES)
async def create_issue(call: Call) -> Reply:
    project = _with_issues(call)
    if project.archived:
        raise forbidden()
    issue = Issue(
        id=call.lab.next_id("issue"),
        iid=len(project.issues) + 1,
        title=_title(call.required("title")),
        description=_description(call.text("description")),
        author=call.actor,
        created_at=call.lab.now(),
        updated_at=call.lab.now(),
        confidential=call.flag("confidential"),
        labels=sorted(call.listing("labels") or []),
        assignees=_assignees(call, project),
        due_date=call.optional_text("due_date"),
        issue_type=_type(call, project),
    )
    project.issues[issue.iid] = issue
    call.natural_key = f"issue:{project.path_with_namespace}:{issue.title}"
    _make_labels(call, project, issue.labels)
    _tell(call, project, issue, action="open", changes={})
    return created(issue_view(call.lab, project, issue))


@ROUTES.put(f"{ISSUES}/:issue_iid")
async def update_issue(call: Call) -> Reply:
    project = _with_issues(call)
    issue = call.issue(project)
    if issue.author is not call.actor and call.level(project) < AccessLevel.PLANNER:
        raise forbidden()
    if not any(call.has(name) for name in CHANGEABLE):
        raise bad_parameter(f"{', '.join(CHANGEABLE)} are missing, at least one parameter must be provided")
    before, state = _snapshot(issue), issue.state
    _edit(call, project, issue)
    if issue.state != state:
        issue.closed_at, issue.closed_by = (call.lab.now(), call.actor) if issue.state == "closed" else (None, None)
        add_system_note(call.lab, issue, call.actor, "closed" if issue.state == "closed" else "reopened")
    changes = hook_changes(before, _snapshot(issue))
    if changes:
        issue.updated_at = call.lab.now()
        action = "update" if issue.state == state else "close" if issue.state == "closed" else "reopen"
        _tell(call, project, issue, action=action, changes=changes)
    return ok(issue_view(call.lab, project, issue))


def _with_issues(call: Call) -> Project:
    """The project of the path; 403 where issues are switched off, whoever asks (lib/api/issues.rb; gitlab #421244)."""
    project = call.project()
    if not project.issues_enabled:
        raise forbidden()
    return project


def _edit(call: Call, project: Project, issue: Issue) -> None:
    if call.has("title"):
        issue.title = _title(call.text("title"))
    if call.has("description"):
        issue.description = _description(call.text("description"))
    if call.has("assignee_ids"):
        issue.assignees = _assignees(call, project)
    labels = call.listing("labels")
    kept = set(issue.labels if labels is None else labels) - set(call.listing("remove_labels") or ())
    issue.labels = sorted(kept | set(call.listing("add_labels") or ()))
    _make_labels(call, project, issue.labels)
    if call.has("state_event"):
        issue.state = "closed" if call.required("state_event", ("close", "reopen")) == "close" else "opened"


def _title(text: str) -> str:
    if not text.strip():
        raise bad_request({"title": ["can't be blank"]})
    if len(text) > LONGEST_TITLE:
        raise bad_request({"title": [f"is too long (maximum is {LONGEST_TITLE} characters)"]})
    return text


def _description(text: str) -> str:
    return split_quick_actions(text)[0]


def _type(call: Call, project: Project) -> IssueType:
    """An incident is opened by reporters and above; from others it is an issue, without a word of complaint."""
    wanted = TYPES[call.chosen("issue_type", TYPES, "issue")]
    return "issue" if wanted == "incident" and call.level(project) < AccessLevel.REPORTER else wanted


def _assignees(call: Call, project: Project) -> list[User]:
    """Whoever cannot see the project is left out; Free keeps the first one only."""
    asked = [int(one) for one in call.listing("assignee_ids") or () if one.isdecimal()]
    users = [call.lab.users[one] for one in dict.fromkeys(asked) if one in call.lab.users]
    seeing = [one for one in users if may_see(call.lab, one, project)]
    return seeing[:1] if call.lab.edition == "free" else seeing


def _wanted(call: Call, project: Project, issue: Issue) -> bool:
    state, labels = call.chosen("state", ("opened", "closed", "all"), "all"), call.listing("labels")
    seen = not issue.confidential or issue.author is call.user or call.level(project) >= AccessLevel.PLANNER
    return (
        seen
        and state in ("all", issue.state)
        and (labels is None or set(labels) <= set(issue.labels))
        and str(issue.iid) in (call.listing("iids") or [str(issue.iid)])
        and call.integer("author_id", issue.author.id) == issue.author.id
        and call.text("author_username", issue.author.username) == issue.author.username
        and call.chosen("issue_type", TYPES, issue.issue_type) == issue.issue_type
        and call.text("search").lower() in _searched(call, issue)
    )


def _searched(call: Call, issue: Issue) -> str:
    texts = {"title": issue.title, "description": issue.description}
    return " ".join(texts[one] for one in call.listing("in") or list(texts) if one in texts).lower()


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
