"""Releases: a name and notes beside a tag."""

from bot.sandbox.gitlab.answers import Json, Reply, created, ok, page, stamp
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import bad_parameter, conflict, not_found, unprocessable
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Release
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.people import user_basic

ROUTES = RouteTable()
LIST, ONE = "/projects/:id/releases", "/projects/:id/releases/:tag_name"


@ROUTES.get(LIST)
async def list_releases(call: Call) -> Reply:
    project = call.project()
    newest_first = sorted(project.releases, key=lambda one: one.released_at, reverse=True)
    return page(call, newest_first, lambda one: _view(call, project, one))


@ROUTES.get(ONE)
async def get_release(call: Call) -> Reply:
    project = call.project()
    found = next((one for one in project.releases if one.tag_name == call.path["tag_name"]), None)
    if found is None:
        raise not_found()
    return ok(_view(call, project, found))


@ROUTES.post(LIST)
async def create_release(call: Call) -> Reply:
    project, tag = call.project(AccessLevel.DEVELOPER), call.required("tag_name")
    if any(one.tag_name == tag for one in project.releases):
        raise conflict("Release already exists")
    if project.repository.tag(tag) is None:
        if not call.has("ref"):
            raise unprocessable("Ref is not specified")
        raise bad_parameter("the sandbox releases existing tags only: create the tag first")
    release = Release(
        tag_name=tag,
        name=call.text("name", tag),
        description=call.text("description"),
        author=call.actor,
        created_at=call.lab.now(),
        released_at=call.moment("released_at") or call.lab.now(),
    )
    project.releases.append(release)
    call.natural_key = f"release:{project.path_with_namespace}:{tag}"
    return created(_view(call, project, release))


def _view(call: Call, project: Project, release: Release) -> Json:
    return {
        "tag_name": release.tag_name,
        "name": release.name,
        "description": release.description,
        "created_at": stamp(release.created_at),
        "released_at": stamp(release.released_at),
        "upcoming_release": release.released_at > call.lab.now(),
        "author": user_basic(call.lab, release.author),
        "commit": {"id": project.repository.tag(release.tag_name)},
        "assets": {"count": 0, "sources": [], "links": []},
    }
