"""Branches, tags and their protection."""

from bot.sandbox.gitlab.access import may_create_tag, may_push
from bot.sandbox.gitlab.answers import Reply, created, no_content, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.git_process import signed_by
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.post_receive import after_refs_moved
from bot.sandbox.gitlab.problems import bad_request, conflict, forbidden, not_found
from bot.sandbox.gitlab.projects import Project, ProtectedRef
from bot.sandbox.gitlab.repository import ZERO_SHA, RefChange
from bot.sandbox.gitlab.repository_writes import signature_of
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.projects import branch_view, protected_branch_view, tag_view

ROUTES = RouteTable()
BRANCHES, TAGS = "/projects/:id/repository/branches", "/projects/:id/repository/tags"
_LEVELS = ("0", "30", "40", "60")
PROTECTED = "/projects/:id/protected_branches"


@ROUTES.get(BRANCHES)
async def list_branches(call: Call) -> Reply:
    project = call.project(code=True)
    search = call.text("search").strip("^$")
    names = sorted(name for name in project.repository.branches() if search in name)
    commits = {name: await call.commit(project, name) for name in names}
    views = {name: await branch_view(call.lab, project, name, commits[name], call.user) for name in names}
    return page(call, names, lambda name: views[name])


@ROUTES.get(f"{BRANCHES}/:branch")
async def get_branch(call: Call) -> Reply:
    project = call.project(code=True)
    name = call.path["branch"]
    sha = project.repository.branch(name)
    if sha is None:
        raise not_found("Branch")
    return ok(await branch_view(call.lab, project, name, await call.commit(project, sha), call.user))


@ROUTES.post(BRANCHES)
async def create_branch(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    name, start = call.required("branch"), call.required("ref")
    call.natural_key = f"branch:{project.path_with_namespace}:{name}"
    async with project.repository.lock:
        if project.repository.branch(name) is not None:
            raise bad_request("Branch already exists")
        sha = await project.repository.resolve(start)
        if sha is None:
            raise bad_request(f"Invalid reference name: {start}")
        change = await project.repository.set_ref(f"refs/heads/{name}", sha)
        await after_refs_moved(call.lab, project, [change], call.actor)
    return created(await branch_view(call.lab, project, name, await call.commit(project, sha), call.user))


@ROUTES.delete(f"{BRANCHES}/:branch")
async def delete_branch(call: Call) -> Reply:
    project, name = call.project(AccessLevel.DEVELOPER), call.path["branch"]
    if project.repository.branch(name) is None:
        raise not_found("Branch")
    if name == project.default_branch:
        raise forbidden("Cannot remove HEAD branch")
    if project.protection(name) or not may_push(call.lab, call.actor, project, name):
        raise forbidden("Protected branch cannot be removed")
    await _remove(call, project, f"refs/heads/{name}")
    return no_content()


@ROUTES.get(PROTECTED)
async def list_protected_branches(call: Call) -> Reply:
    return page(call, call.project(AccessLevel.DEVELOPER).protected_branches, protected_branch_view)


@ROUTES.get(f"{PROTECTED}/:name")
async def get_protected_branch(call: Call) -> Reply:
    return ok(protected_branch_view(_rule(call.project(AccessLevel.DEVELOPER), call.path["name"])))


@ROUTES.post(PROTECTED)
async def protect_branch(call: Call) -> Reply:
    project, name = call.project(AccessLevel.MAINTAINER), call.required("name")
    if any(rule.name == name for rule in project.protected_branches):
        raise conflict(f"Protected branch '{name}' already exists")
    push_users, merge_users = _named_users(call, "allowed_to_push"), _named_users(call, "allowed_to_merge")
    rule = ProtectedRef(
        id=call.lab.next_id("protected_ref"),
        name=name,
        push=AccessLevel(int(call.chosen("push_access_level", _LEVELS, "0" if push_users else "40"))),
        merge=AccessLevel(int(call.chosen("merge_access_level", _LEVELS, "0" if merge_users else "40"))),
        push_users=push_users,
        merge_users=merge_users,
        allow_force_push=call.flag("allow_force_push"),
    )
    project.protected_branches.append(rule)
    return created(protected_branch_view(rule))


@ROUTES.delete(f"{PROTECTED}/:name")
async def unprotect_branch(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    project.protected_branches.remove(_rule(project, call.path["name"]))
    return no_content()


@ROUTES.get(TAGS)
async def list_tags(call: Call) -> Reply:
    project = call.project(code=True)
    search = call.text("search").strip("^$")
    tags = {name: await call.commit(project, sha) for name, sha in project.repository.tags().items() if search in name}
    by_name = call.chosen("order_by", ("name", "updated", "version"), "updated") != "updated"
    names = sorted(tags, key=lambda name: name if by_name else tags[name].committed_at)
    names.reverse() if call.text("sort", "desc") == "desc" else None
    messages = {name: await _message(project, name) for name in names}
    return page(call, names, lambda name: tag_view(call.lab, project, name, tags[name], messages[name]))


@ROUTES.get(f"{TAGS}/:tag_name")
async def get_tag(call: Call) -> Reply:
    project, name = call.project(code=True), call.path["tag_name"]
    sha = project.repository.tag(name)
    if sha is None:
        raise not_found("Tag")
    return ok(tag_view(call.lab, project, name, await call.commit(project, sha), await _message(project, name)))


@ROUTES.post(TAGS)
async def create_tag(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    name, start = call.required("tag_name"), call.required("ref")
    call.natural_key = f"tag:{project.path_with_namespace}:{name}"
    if not may_create_tag(call.lab, call.actor, project, name):
        raise forbidden()
    async with project.repository.lock:
        if project.repository.tag(name) is not None:
            raise bad_request(f"Tag {name} already exists")
        sha = await project.repository.resolve(start)
        if sha is None:
            raise bad_request(f"Target {start} is invalid")
        change = await write_tag(call, project, name, sha, call.text("message"))
        await after_refs_moved(call.lab, project, [change], call.actor)
    return created(tag_view(call.lab, project, name, await call.commit(project, sha), await _message(project, name)))


@ROUTES.delete(f"{TAGS}/:tag_name")
async def delete_tag(call: Call) -> Reply:
    project, name = call.project(AccessLevel.DEVELOPER), call.path["tag_name"]
    if project.repository.tag(name) is None:
        raise not_found("Tag")
    if project.tag_protection(name) and call.level(project) < AccessLevel.MAINTAINER:
        raise forbidden()
    await _remove(call, project, f"refs/tags/{name}")
    return no_content()


async def write_tag(call: Call, project: Project, name: str, sha: str, message: str) -> RefChange:
    """A lightweight tag, or an annotated one when there is a message."""
    if not message:
        return await project.repository.set_ref(f"refs/tags/{name}", sha)
    tagger = signature_of(call.actor, call.lab.now())
    environment = signed_by(tagger.name, tagger.email, tagger.when)
    await project.repository.git("tag", "-a", "-F", "-", name, sha, stdin=message.encode(), environment=environment)
    await project.repository.refresh()
    return RefChange(ref=f"refs/tags/{name}", before=ZERO_SHA, after=sha)


async def _message(project: Project, name: str) -> str:
    annotated = project.repository.tag_objects.get(f"refs/tags/{name}")
    if annotated is None:
        return ""
    return (await project.repository.git("cat-file", "tag", annotated)).decode().partition("\n\n")[2].rstrip("\n")


async def _remove(call: Call, project: Project, ref: str) -> None:
    async with project.repository.lock:
        change = await project.repository.set_ref(ref, ZERO_SHA)
        await after_refs_moved(call.lab, project, [change], call.actor)


def _named_users(call: Call, name: str) -> set[int]:
    """Users named one by one, which only the paid editions know; Free ignores them."""
    asked = call.value(name)
    if call.lab.edition == "free" or not isinstance(asked, list):
        return set()
    named = {one.get("user_id") for one in asked if isinstance(one, dict)}
    return {user for user in named if isinstance(user, int) and user in call.lab.users}


def _rule(project: Project, name: str) -> ProtectedRef:
    rule = next((one for one in project.protected_branches if one.name == name), None)
    if rule is None:
        raise not_found()
    return rule
