"""Merge, rebase and approve."""

from bot.sandbox.gitlab import merge_requests as life
from bot.sandbox.gitlab.access import may_push
from bot.sandbox.gitlab.answers import Reply, created, ok
from bot.sandbox.gitlab.api.merge_requests import ONE
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.merging import MergeWish, accept, rebase
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import conflict, forbidden, not_found, refused, unauthorized
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.merge_requests import approval_state_view, approvals_view, merge_request_basic

ROUTES = RouteTable()


@ROUTES.put(f"{ONE}/merge")
async def merge(call: Call) -> Reply:
    project = call.project()
    mr = call.merge_request(project)
    call.natural_key = f"merge:{project.path_with_namespace}!{mr.iid}"
    wish = MergeWish(
        sha=call.optional_text("sha"),
        squash=call.flag("squash") if call.has("squash") else None,
        remove_source_branch=call.flag("should_remove_source_branch")
        if call.has("should_remove_source_branch")
        else None,
        auto_merge=call.flag("auto_merge") or call.flag("merge_when_pipeline_succeeds"),
        merge_message=call.optional_text("merge_commit_message"),
        squash_message=call.optional_text("squash_commit_message"),
    )
    await accept(call.lab, project, mr, call.actor, wish)
    return ok(merge_request_basic(call.lab, project, mr))


@ROUTES.post(f"{ONE}/cancel_merge_when_pipeline_succeeds")
async def cancel_auto_merge(call: Call) -> Reply:
    project = call.project()
    mr = call.merge_request(project)
    if mr.auto_merge_by is None:
        raise refused(406, "406 Not Acceptable")
    mr.auto_merge_by = None
    return created(merge_request_basic(call.lab, project, mr))


@ROUTES.put(f"{ONE}/rebase")
async def rebase_merge_request(call: Call) -> Reply:
    """Answers 202 at once; the outcome is read from `rebase_in_progress` and `merge_error`."""
    project = call.project()
    mr = call.merge_request(project)
    if not may_push(call.lab, call.actor, project, mr.source_branch):
        raise forbidden("Cannot push to source branch")
    if project.repository.branch(mr.source_branch) is None:
        raise forbidden("Source branch does not exist")
    if mr.rebase_in_progress:
        raise conflict(
            "Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later."
        )
    mr.rebase_in_progress, mr.merge_error = True, None
    call.lab.spawn(rebase(call.lab, project, mr, call.actor, skip_ci=call.flag("skip_ci")))
    return Reply(status=202, body={"rebase_in_progress": True})


@ROUTES.get(f"{ONE}/approvals")
async def get_approvals(call: Call) -> Reply:
    project = call.project(code=True)
    return ok(approvals_view(call.lab, project, call.merge_request(project), call.user))


@ROUTES.get(f"{ONE}/approval_state")
async def get_approval_state(call: Call) -> Reply:
    project = call.project(code=True)
    mr = call.merge_request(project)
    return ok(approval_state_view(call.lab, project, mr))


@ROUTES.post(f"{ONE}/approve")
async def approve(call: Call) -> Reply:
    project = call.project(code=True)
    mr = call.merge_request(project)
    sha = call.optional_text("sha")
    if call.level(project) < AccessLevel.DEVELOPER:
        raise forbidden()
    if sha is not None and sha != mr.head_sha:
        raise conflict(f"SHA does not match HEAD of source branch: {mr.head_sha}")
    if not _may_approve(call, project, mr):
        raise unauthorized()
    await life.approve(call.lab, project, mr, call.actor)
    return created(approvals_view(call.lab, project, mr, call.user))


@ROUTES.post(f"{ONE}/unapprove")
async def unapprove(call: Call) -> Reply:
    project = call.project(code=True)
    mr = call.merge_request(project)
    if call.actor.id not in mr.approvals:
        raise not_found()
    await life.unapprove(call.lab, project, mr, call.actor)
    return created(approvals_view(call.lab, project, mr, call.user))


def _may_approve(call: Call, project: Project, mr: MergeRequest) -> bool:
    """Nobody approves twice or after the merge; in the paid rules authors do not approve their own work."""
    if mr.state == "merged" or call.actor.id in mr.approvals:
        return False
    own = mr.author is call.actor and not project.authors_may_approve
    return call.lab.edition == "free" or not own
