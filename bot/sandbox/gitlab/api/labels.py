"""Labels of a project."""

from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import conflict, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Label
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.merge_requests import label_view

ROUTES = RouteTable()
LABELS = "/projects/:id/labels"


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


def _label(call: Call, project: Project) -> Label:
    wanted = call.path["name"]
    found = next((one for one in project.labels if wanted in (one.name, str(one.id))), None)
    if found is None:
        raise not_found("Label")
    return found


def _label_view(project: Project, label: Label) -> Json:
    return {**label_view(project, label.name), "subscribed": False, "priority": None, "is_project_label": True}
