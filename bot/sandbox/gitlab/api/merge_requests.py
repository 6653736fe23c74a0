"""Merge requests: listed, read, opened and edited."""

from bot.sandbox.gitlab import merge_requests as life
from bot.sandbox.gitlab.access import may_merge
from bot.sandbox.gitlab.answers import Reply, created, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.diffs import FileDiff, diff
from bot.sandbox.gitlab.mergeability import mark_unchecked
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.problems import bad_parameter, forbidden
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest
from bot.sandbox.gitlab.repository import Commit
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.commits import commit_view, diff_view
from bot.sandbox.gitlab.views.merge_requests import merge_request_basic, merge_request_view
from bot.sandbox.gitlab.views.pipelines import pipeline_basic

ROUTES = RouteTable()
LIST, ONE = "/projects/:id/merge_requests", "/projects/:id/merge_requests/:merge_request_iid"
STATES = ("opened", "closed", "locked", "merged", "all")


@ROUTES.get(LIST)
async def list_merge_requests(call: Call) -> Reply:
    project = call.project(code=True)
    found = [mr for mr in project.merge_requests.values() if _wanted(call, mr)]
    by_update = call.chosen("order_by", ("created_at", "updated_at", "title", "priority"), "created_at") == "updated_at"
    found.sort(
        key=lambda mr: (mr.updated_at if by_update else mr.created_at, mr.iid),
        reverse=call.chosen("sort", ("asc", "desc"), "desc") == "desc",
    )
    details = call.flag("with_labels_details")
    return page(call, found, lambda mr: merge_request_basic(call.lab, project, mr, label_details=details))


@ROUTES.get(ONE)
async def get_merge_request(call: Call) -> Reply:
    project = call.project(code=True)
    return ok(await _whole(call, project, call.merge_request(project)))


@ROUTES.post(LIST)
async def create_merge_request(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    draft = life.Draft(
        source_branch=call.required("source_branch"),
        target_branch=call.required("target_branch"),
        title=call.required("title"),
        description=call.text("description"),
        labels=call.listing("labels") or [],
        assignees=_people(call, "assignee_ids") or [],
        reviewers=_people(call, "reviewer_ids") or [],
        squash=call.flag("squash"),
        remove_source_branch=call.flag("remove_source_branch"),
    )
    if not draft.title.strip():
        raise bad_parameter("title is empty")
    call.natural_key = f"merge_request:{project.path_with_namespace}:{draft.source_branch}:{draft.target_branch}"
    mr = await life.open_merge_request(call.lab, project, call.actor, draft)
    return created(await _whole(call, project, mr))


@ROUTES.put(ONE)
async def update_merge_request(call: Call) -> Reply:
    project = call.project()
    mr = call.merge_request(project)
    if mr.author is not call.actor and call.level(project) < AccessLevel.DEVELOPER:
        raise forbidden()
    before = life.snapshot(project, mr)
    _edit(call, project, mr)
    await life.tell_update(call.lab, project, mr, call.actor, before)
    event = call.optional_text("state_event")
    if event is not None:
        call.required("state_event", ("close", "reopen"))
        await (life.close if event == "close" else life.reopen)(call.lab, project, mr, call.actor)
    return ok(await _whole(call, project, mr))


@ROUTES.get(f"{ONE}/commits")
async def list_merge_request_commits(call: Call) -> Reply:
    project = call.project(code=True)
    commits = await _commits(project, call.merge_request(project))
    return page(call, commits, lambda one: commit_view(call.lab, project, one))


@ROUTES.get(f"{ONE}/diffs")
async def list_merge_request_diffs(call: Call) -> Reply:
    project = call.project(code=True)
    return page(call, await _diffs(project, call.merge_request(project)), diff_view)


@ROUTES.get(f"{ONE}/changes")
async def get_merge_request_changes(call: Call) -> Reply:
    project = call.project(code=True)
    mr = call.merge_request(project)
    changes = [diff_view(one) for one in await _diffs(project, mr)]
    return ok({**await _whole(call, project, mr), "changes": changes, "overflow": False})


@ROUTES.get(f"{ONE}/pipelines")
async def list_merge_request_pipelines(call: Call) -> Reply:
    """Merge request pipelines first, then branch pipelines of its commits, newest first."""
    project = call.project(AccessLevel.REPORTER)
    mr = call.merge_request(project)
    shas = {commit.sha for commit in await _commits(project, mr)} | {mr.head_sha}
    found = [
        one
        for one in project.pipelines
        if one.merge_request_iid == mr.iid
        or (one.merge_request_iid is None and one.ref == mr.source_branch and one.sha in shas)
    ]
    found.sort(key=lambda one: (one.merge_request_iid is None, -one.id))
    return page(call, found, lambda one: pipeline_basic(call.lab, project, one))


async def _whole(call: Call, project: Project, mr: MergeRequest) -> dict[str, object]:
    can_merge = call.user is not None and may_merge(call.lab, call.user, project, mr.target_branch)
    view = merge_request_view(call.lab, project, mr, can_merge=can_merge, changes=len(await _diffs(project, mr)))
    if call.flag("include_diverged_commits_count"):
        target = project.repository.branch(mr.target_branch)
        view["diverged_commits_count"] = len(await project.repository.log(target, f"^{mr.head_sha}")) if target else 0
    if call.flag("include_rebase_in_progress"):
        view["rebase_in_progress"] = mr.rebase_in_progress
    return view


async def _commits(project: Project, mr: MergeRequest) -> list[Commit]:
    return await project.repository.log(mr.head_sha, *([f"^{mr.base_sha}"] if mr.base_sha else []))


async def _diffs(project: Project, mr: MergeRequest) -> list[FileDiff]:
    return await diff(project.repository, mr.base_sha, mr.head_sha) if mr.base_sha else []


def _wanted(call: Call, mr: MergeRequest) -> bool:
    state = call.chosen("state", STATES, "all")
    labels, without = call.listing("labels"), call.listing("not[labels]")
    iids = call.listing("iids")
    after, before = call.moment("updated_after"), call.moment("updated_before")
    search = call.text("search").lower()
    return (
        state in ("all", mr.state)
        and call.text("source_branch", mr.source_branch) == mr.source_branch
        and call.text("target_branch", mr.target_branch) == mr.target_branch
        and call.text("author_username", mr.author.username) == mr.author.username
        and call.integer("author_id", mr.author.id) == mr.author.id
        and (labels is None or set(labels) <= set(mr.labels) or (labels == ["Any"] and bool(mr.labels)))
        and not set(without or ()) & set(mr.labels)
        and (iids is None or str(mr.iid) in iids)
        and (after is None or mr.updated_at >= after)
        and (before is None or mr.updated_at <= before)
        and search in f"{mr.title} {mr.description}".lower()
        and (not call.has("wip") or (call.text("wip") == "yes") == mr.draft)
    )


def _people(call: Call, name: str) -> list[User] | None:
    ids = call.listing(name)
    if ids is None:
        return None
    return [call.lab.users[int(one)] for one in ids if one.isdecimal() and int(one) in call.lab.users]


def _edit(call: Call, project: Project, mr: MergeRequest) -> None:
    if call.has("title") and not call.text("title").strip():
        raise bad_parameter("title is empty")
    mr.title = call.text("title", mr.title)
    mr.description = call.text("description", mr.description)
    mr.squash = call.flag("squash", mr.squash)
    mr.force_remove_source_branch = call.flag("remove_source_branch", mr.force_remove_source_branch)
    mr.discussion_locked = call.flag("discussion_locked", bool(mr.discussion_locked)) or None
    people = _people(call, "assignee_ids")
    mr.assignees = mr.assignees if people is None else people
    people = _people(call, "reviewer_ids")
    mr.reviewers = mr.reviewers if people is None else people
    labels = call.listing("labels")
    kept = mr.labels if labels is None else labels
    removed = set(call.listing("remove_labels") or ())
    wanted = [*(name for name in kept if name not in removed), *(call.listing("add_labels") or ())]
    if sorted(set(wanted)) != mr.labels:
        life.set_labels(call.lab, project, mr, wanted)
    if call.text("target_branch", mr.target_branch) != mr.target_branch:
        mr.target_branch = call.text("target_branch")
        mark_unchecked(call.lab, project, mr)
