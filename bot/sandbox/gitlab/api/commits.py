"""Commits: read, compared, and written with several file actions at once."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote

from bot.sandbox.gitlab.access import may_force_push, may_push
from bot.sandbox.gitlab.answers import Json, Reply, created, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.diffs import commit_diff, diff
from bot.sandbox.gitlab.notes import add_commit_note
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.post_receive import after_refs_moved
from bot.sandbox.gitlab.problems import bad_parameter, bad_request, forbidden, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.repository import ZERO_SHA, Commit, RefChange
from bot.sandbox.gitlab.repository_writes import Signature, signature_of, write_commit
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.commits import commit_view, diff_view
from bot.sandbox.gitlab.views.merge_requests import merge_request_basic
from bot.sandbox.gitlab.views.people import user_basic
from bot.sandbox.gitlab.views.pipelines import pipeline_basic, status_view

ROUTES = RouteTable()
ACTIONS = ("create", "update", "delete", "move", "chmod")
Change = tuple[str, bytes] | None
MOST_FILES = 1_000
"""How many files a comparison lists (GitLab docs: administration/diff_limits, "Maximum diff files")."""


@ROUTES.get("/projects/:id/repository/commits")
async def list_commits(call: Call) -> Reply:
    project = call.project(code=True)
    revision = await project.repository.resolve(call.text("ref_name") or project.default_branch)
    if revision is None:
        return _no_commits(call, project)
    flags = [f"--since={call.text('since')}"] if call.has("since") else []
    flags += [f"--until={call.text('until')}"] if call.has("until") else []
    flags += ["--first-parent"] if call.flag("first_parent") else []
    paths = (call.text("path"),) if call.text("path") else ()
    commits = await project.repository.log(*flags, revision, limit=5_000, paths=paths)
    return page(call, commits, lambda one: commit_view(call.lab, project, one))


@ROUTES.get("/projects/:id/repository/commits/:sha")
async def get_commit(call: Call) -> Reply:
    project = call.project(code=True)
    commit = await call.commit(project, call.path["sha"])
    pipelines = [one for one in project.pipelines if one.sha == commit.sha]
    last = max(pipelines, key=lambda one: one.id, default=None)
    body = commit_view(call.lab, project, commit)
    body |= {"stats": await _stats(project, commit)} if call.flag("stats", default=True) else {}
    last_view = pipeline_basic(call.lab, project, last) if last else None
    return ok({**body, "status": last.status if last else None, "project_id": project.id, "last_pipeline": last_view})


@ROUTES.post("/projects/:id/repository/commits")
async def create_commit(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    branch, message = call.required("branch"), call.required("commit_message")
    actions = call.value("actions")
    if not isinstance(actions, list) or not actions:
        raise bad_parameter("actions is missing")
    if not may_push(call.lab, call.actor, project, branch):
        raise forbidden("You are not allowed to push into this branch")
    call.natural_key = f"commit:{project.path_with_namespace}:{branch}:{message.splitlines()[0] if message else ''}"
    async with project.repository.lock:
        parent = await _parent(call, project, branch)
        changes = await _changes(call, project, parent, actions)
        author = signature_of(call.actor, call.lab.now())
        named = Signature(
            name=call.text("author_name", author.name), email=call.text("author_email", author.email), at=author.at
        )
        before = project.repository.branch(branch) or ZERO_SHA
        sha = await write_commit(
            project.repository,
            branch=branch,
            parent=parent,
            changes=changes,
            message=message,
            author=named,
            committer=author,
            force=call.flag("force"),
        )
        moved = RefChange(ref=f"refs/heads/{branch}", before=before, after=sha)
        await after_refs_moved(call.lab, project, [moved], call.actor)
    commit = await call.commit(project, sha)
    return created({**commit_view(call.lab, project, commit), "stats": await _stats(project, commit)})


@ROUTES.get("/projects/:id/repository/commits/:sha/diff")
async def get_commit_diff(call: Call) -> Reply:
    project = call.project(code=True)
    commit = await call.commit(project, call.path["sha"])
    return page(call, await commit_diff(project.repository, commit), diff_view)


@ROUTES.get("/projects/:id/repository/commits/:sha/statuses")
async def list_statuses(call: Call) -> Reply:
    """Latest ones only, unless `all` is asked for; retried rows are history."""
    project = call.project(AccessLevel.REPORTER, code=True)
    commit = await call.commit(project, call.path["sha"])
    every = call.flag("all")
    rows = [
        (pipeline, job)
        for pipeline in project.pipelines
        if pipeline.sha == commit.sha and call.integer("pipeline_id", pipeline.id) == pipeline.id
        for job in pipeline.jobs
        if (every or not job.retried)
        and call.text("ref", job.ref) == job.ref
        and call.text("name", job.name) == job.name
        and call.text("stage", job.stage) == job.stage
    ]
    rows.sort(key=lambda row: row[1].id, reverse=call.text("sort") == "desc")
    return page(call, rows, lambda row: status_view(call.lab, project, row[0], row[1]))


@ROUTES.get("/projects/:id/repository/commits/:sha/merge_requests")
async def list_commit_merge_requests(call: Call) -> Reply:
    project = call.project(code=True)
    commit = await call.commit(project, call.path["sha"])
    found = []
    for mr in sorted(project.merge_requests.values(), key=lambda one: -one.iid):
        inside = commit.sha in (mr.head_sha, mr.merge_commit_sha, mr.squash_commit_sha)
        if inside or await _within(project, commit.sha, mr.base_sha, mr.head_sha):
            found.append(mr)
    if call.has("state") and call.text("state") != "all":
        found = [mr for mr in found if mr.state == call.text("state")]
    return page(call, found, lambda mr: merge_request_basic(call.lab, project, mr))


@ROUTES.get("/projects/:id/repository/commits/:sha/refs")
async def list_commit_refs(call: Call) -> Reply:
    project = call.project(code=True)
    commit = await call.commit(project, call.path["sha"])
    kind = call.chosen("type", ("branch", "tag", "all"), "all")
    found: list[Json] = []
    for word, refs in (("branch", project.repository.branches()), ("tag", project.repository.tags())):
        for name, head in sorted(refs.items()) if kind in (word, "all") else []:
            if await project.repository.is_ancestor(commit.sha, head):
                found.append({"type": word, "name": name})
    return page(call, found, lambda one: one)


@ROUTES.get("/projects/:id/repository/compare")
async def compare(call: Call) -> Reply:
    project = call.project(code=True)
    older, newer = await _revision(call, project, "from"), await _revision(call, project, "to")
    base = await project.repository.merge_base(older, newer)
    start = older if call.flag("straight") or base is None else base
    commits = await project.repository.log(newer, f"^{older}")
    views = [commit_view(call.lab, project, one) for one in reversed(commits)]
    diffs = await diff(project.repository, start, newer)
    web = (
        f"{call.lab.url}/{project.path_with_namespace}/-/compare/{quote(call.text('from'))}...{quote(call.text('to'))}"
    )
    return ok(
        {
            "commit": views[-1] if views else None,
            "commits": views,
            "diffs": [diff_view(one) for one in diffs[:MOST_FILES]],
            "compare_timeout": len(diffs) > MOST_FILES,
            "compare_same_ref": older == newer,
            "web_url": web,
        }
    )


@ROUTES.get("/projects/:id/repository/merge_base")
async def get_merge_base(call: Call) -> Reply:
    project = call.project(code=True)
    refs = call.listing("refs") or []
    if len(refs) < 2:
        raise bad_request("Provide at least 2 refs")
    one, other = await call.commit(project, refs[0]), await call.commit(project, refs[1])
    base = await project.repository.merge_base(one.sha, other.sha)
    if base is None:
        raise not_found("Merge Base")
    return ok(commit_view(call.lab, project, await call.commit(project, base)))


@ROUTES.get("/projects/:id/repository/commits/:sha/comments")
async def list_commit_comments(call: Call) -> Reply:
    project = call.project(code=True)
    commit = await call.commit(project, call.path["sha"])
    notes = project.commit_notes.get(commit.sha, [])
    return page(call, notes, lambda one: {"note": one.body, "author": user_basic(call.lab, one.author)})


@ROUTES.post("/projects/:id/repository/commits/:sha/comments")
async def create_commit_comment(call: Call) -> Reply:
    project = call.project(AccessLevel.GUEST)
    commit = await call.commit(project, call.path["sha"])
    note = await add_commit_note(call.lab, project, commit, call.actor, call.required("note"))
    return created({"note": note.body, "author": user_basic(call.lab, note.author)})


def _no_commits(call: Call, project: Project) -> Reply:
    """An empty project has an empty list; an unknown ref is 404."""
    if project.repository.branches():
        raise not_found("Commit")
    return page(call, [], lambda one: one)


async def _revision(call: Call, project: Project, name: str) -> str:
    sha = await project.repository.resolve(call.required(name))
    if sha is None:
        raise not_found("Ref")
    return sha


async def _within(project: Project, sha: str, base: str | None, head: str) -> bool:
    repository = project.repository
    if not await repository.is_ancestor(sha, head):
        return False
    return base is None or not await repository.is_ancestor(sha, base)


async def _stats(project: Project, commit: Commit) -> Json:
    patches = [change.patch for change in await commit_diff(project.repository, commit)]
    lines = [line for patch in patches for line in patch.splitlines()]
    added, removed = (sum(1 for line in lines if line.startswith(sign)) for sign in "+-")
    return {"additions": added, "deletions": removed, "total": added + removed}


async def _parent(call: Call, project: Project, branch: str) -> str | None:
    """The commit to build on: the branch, or for a new branch `start_sha` or `start_branch`."""
    existing = project.repository.branch(branch)
    start = call.optional_text("start_sha") or call.optional_text("start_branch")
    if start is None:
        if existing is None and project.repository.branches():
            raise bad_request("You can only create or edit files when you are on a branch")
        return existing
    if existing is not None and not call.flag("force"):
        raise bad_request(f"A branch called '{branch}' already exists. Switch to that branch in order to make changes")
    if existing is not None and not may_force_push(project, branch):
        raise bad_request("You are not allowed to force push code to a protected branch on this project.")
    sha = await project.repository.resolve(start)
    if sha is None:
        raise bad_request(f"Cannot find start_branch '{start}'" if call.has("start_branch") else "Invalid start_sha")
    return sha


async def _changes(call: Call, project: Project, parent: str | None, actions: list[object]) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    for action in actions:
        if not isinstance(action, Mapping):
            raise bad_parameter("actions is invalid")
        if action.get("action") not in ACTIONS:
            raise bad_parameter("actions[0][action] does not have a valid value")
        await _apply(project, parent, changes, action)
    return changes


async def _apply(
    project: Project, parent: str | None, changes: dict[str, Change], action: Mapping[str, object]
) -> None:
    kind, path = action["action"], str(action.get("file_path", "")).lstrip("/")
    if not path or ".." in path.split("/"):
        raise bad_request("Path cannot include traversal syntax" if path else "You must provide a file path")
    source = str(action.get("previous_path", "")).lstrip("/") if kind == "move" else path
    old = await _existing(project, parent, changes, source)
    if kind == "create":
        if old is not None:
            raise bad_request("A file with this name already exists")
        changes[path] = ("100644", _content(action))
        return
    if old is None:
        raise bad_request("A file with this name doesn't exist")
    await _check_last_commit(project, parent, source, action)
    mode, content = old
    if kind == "delete":
        changes[path] = None
    elif kind == "chmod":
        changes[path] = ("100755" if action.get("execute_filemode") else "100644", content)
    else:
        if kind == "move":
            changes[source] = None
        changes[path] = (mode, _content(action) if kind == "update" or "content" in action else content)


async def _existing(project: Project, parent: str | None, changes: Mapping[str, Change], path: str) -> Change:
    if path in changes:
        return changes[path]
    if parent is None:
        return None
    content = await project.repository.blob(parent, path)
    if content is None:
        return None
    listed = (await project.repository.git("ls-tree", "-z", parent, "--", path)).decode()
    return listed.split(" ", 1)[0], content


async def _check_last_commit(project: Project, parent: str | None, path: str, action: Mapping[str, object]) -> None:
    """`last_commit_id` is the last commit that touched the file; an older one refuses the write."""
    expected = action.get("last_commit_id")
    if expected is None or parent is None:
        return
    last = await project.repository.log(parent, limit=1, paths=(path,))
    if last and last[0].sha != expected:
        raise bad_request("You are attempting to update a file that has changed since you started editing it.")


def _content(action: Mapping[str, object]) -> bytes:
    text = action.get("content")
    if text is None:
        raise bad_parameter("actions[0][content] is missing")
    if action.get("encoding") != "base64":
        return str(text).encode()
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:
        raise bad_parameter("actions[0][content] is invalid") from None
