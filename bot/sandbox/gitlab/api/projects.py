"""Projects and their members."""

from collections.abc import Mapping

from bot.sandbox.gitlab.access import may_see
from bot.sandbox.gitlab.answers import Reply, created, no_content, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.problems import bad_parameter, bad_request, conflict, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.registration import new_project
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.people import member
from bot.sandbox.gitlab.views.projects import project_view

ROUTES = RouteTable()
_FLAGS = (
    "issues_enabled",
    "only_allow_merge_if_pipeline_succeeds",
    "allow_merge_on_skipped_pipeline",
    "only_allow_merge_if_all_discussions_are_resolved",
    "remove_source_branch_after_merge",
)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "merge_method": ("merge", "rebase_merge", "ff"),
    "squash_option": ("never", "always", "default_on", "default_off"),
    "visibility": ("private", "internal", "public"),
}
_TEXTS = ("description", "default_branch", "ci_config_path", "name")


@ROUTES.get("/projects")
async def list_projects(call: Call) -> Reply:
    member_only = call.flag("membership")
    search = call.text("search").lower()
    found = [
        one
        for one in sorted(call.lab.projects.values(), key=lambda project: -project.id)
        if may_see(call.lab, call.user, one)
        and search in one.path_with_namespace.lower()
        and (not member_only or call.level(one) >= AccessLevel.GUEST)
    ]
    return page(call, found, lambda one: project_view(call.lab, one, call.user))


@ROUTES.get("/projects/:id")
async def get_project(call: Call) -> Reply:
    return ok(project_view(call.lab, call.project(), call.user))


@ROUTES.post("/projects")
async def create_project(call: Call) -> Reply:
    path = call.optional_text("path") or call.required("name").lower().replace(" ", "-")
    namespace_id = call.integer("namespace_id")
    group = call.lab.groups.get(namespace_id) if namespace_id is not None else None
    if namespace_id is not None and group is None:
        raise not_found("Namespace")
    full_path = f"{group.path if group else call.actor.username}/{path}"
    if call.lab.project(full_path) is not None:
        raise bad_request({"name": ["has already been taken"], "path": ["has already been taken"]})
    project = new_project(call.lab, full_path, creator=call.actor, name=call.text("name", path))
    _apply_settings(call, project)
    call.natural_key = f"project:{full_path}"
    return created(project_view(call.lab, project, call.user))


@ROUTES.put("/projects/:id")
async def update_project(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    _apply_settings(call, project)
    return ok(project_view(call.lab, project, call.user))


@ROUTES.delete("/projects/:id")
async def delete_project(call: Call) -> Reply:
    project = call.project(AccessLevel.OWNER)
    del call.lab.projects[project.id]
    return Reply(status=202, body={"message": "202 Accepted"})


@ROUTES.get("/projects/:id/members")
async def list_direct_members(call: Call) -> Reply:
    project = call.project()
    return page(call, sorted(project.members), lambda one: _direct(call, project, call.lab.users[one]))


@ROUTES.get("/projects/:id/members/all")
async def list_members(call: Call) -> Reply:
    project = call.project()
    everyone = sorted({*project.members, *(project.group.members if project.group else {})})
    return page(call, everyone, lambda one: _member(call, project, call.lab.users[one]))


@ROUTES.get("/projects/:id/members/:user_id")
async def get_direct_member(call: Call) -> Reply:
    project, user = call.project(), _user(call)
    if user.id not in project.members:
        raise not_found()
    return ok(_direct(call, project, user))


@ROUTES.get("/projects/:id/members/all/:user_id")
async def get_member(call: Call) -> Reply:
    project, user = call.project(), _user(call)
    inherited = project.group.members if project.group else {}
    if user.id not in project.members and user.id not in inherited:
        raise not_found()
    return ok(_member(call, project, user))


@ROUTES.post("/projects/:id/members")
async def add_member(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    user = call.lab.users.get(call.integer("user_id") or 0)
    if user is None:
        raise not_found("User")
    if user.id in project.members:
        raise conflict("Member already exists")
    project.members[user.id] = _level(call)
    return created(_direct(call, project, user))


@ROUTES.put("/projects/:id/members/:user_id")
async def change_member(call: Call) -> Reply:
    project, user = call.project(AccessLevel.MAINTAINER), _user(call)
    if user.id not in project.members:
        raise not_found()
    project.members[user.id] = _level(call)
    return ok(_direct(call, project, user))


@ROUTES.delete("/projects/:id/members/:user_id")
async def remove_member(call: Call) -> Reply:
    project, user = call.project(AccessLevel.MAINTAINER), _user(call)
    if project.members.pop(user.id, None) is None:
        raise not_found()
    return no_content()


def _member(call: Call, project: Project, user: User) -> object:
    inherited = project.group.members.get(user.id, AccessLevel.NO_ACCESS) if project.group else AccessLevel.NO_ACCESS
    level = max(project.members.get(user.id, AccessLevel.NO_ACCESS), inherited)
    return member(call.lab, user, level, project.created_at)


def _direct(call: Call, project: Project, user: User) -> object:
    return member(call.lab, user, project.members[user.id], project.created_at)


def _user(call: Call) -> User:
    wanted = call.path["user_id"]
    user = call.lab.users.get(int(wanted)) if wanted.isdecimal() else None
    if user is None:
        raise not_found("User")
    return user


def _level(call: Call) -> AccessLevel:
    level = call.integer("access_level")
    if level is None:
        raise bad_parameter("access_level is missing")
    if level not in (10, 15, 20, 30, 40, 50):
        raise bad_parameter("access_level does not have a valid value")
    return AccessLevel(level)


def _apply_settings(call: Call, project: Project) -> None:
    for name, values in _CHOICES.items():
        if call.has(name):
            setattr(project, name, call.required(name, values))
    for name in _FLAGS:
        if call.has(name):
            setattr(project, name, call.flag(name))
    for name in _TEXTS:
        if call.optional_text(name):
            setattr(project, name, call.text(name))
    if call.has("issues_access_level"):
        project.issues_enabled = call.required("issues_access_level", ("disabled", "private", "enabled")) != "disabled"
    if call.lab.edition == "paid":
        project.merge_pipelines_enabled = call.flag("merge_pipelines_enabled", project.merge_pipelines_enabled)
        project.approvals_before_merge = call.integer("approvals_before_merge", project.approvals_before_merge) or 0
