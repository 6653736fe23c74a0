"""What GitLab does after refs moved: merge requests first, then pipelines, then push hooks."""

from collections.abc import Sequence

from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.ledger import RecordedRequest
from bot.sandbox.gitlab.merge_requests import refresh_head, tell
from bot.sandbox.gitlab.mergeability import mark_unchecked
from bot.sandbox.gitlab.notes import add_system_note
from bot.sandbox.gitlab.payloads.push import COMMITS_SHOWN, push_payload
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.pipelines import push_pipeline
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest
from bot.sandbox.gitlab.repository import ZERO_SHA, Commit, RefChange

HOOK_LIMIT = 3
"""A push that moves more branches, or more tags, than this fires no hook (GitLab docs: webhook events)."""
PIPELINE_LIMIT = 4
"""A push makes pipelines for at most this many refs (GitLab docs: git_push_create_all_pipelines)."""


async def after_refs_moved(
    lab: Instance, project: Project, changes: Sequence[RefChange], user: User, *, pipelines: bool = True
) -> None:
    """Run GitLab's post-receive path; the caller still holds the repository's lock."""
    branches = [one for one in changes if one.branch is not None]
    tags = [one for one in changes if one.tag is not None]
    for change in branches:
        await _update_merge_requests(lab, project, change, user)
    for kind in (branches, tags):
        if len(kind) <= HOOK_LIMIT:
            for change in kind:
                await _fire_push(lab, project, change, user)
    for change in [*branches, *tags][:PIPELINE_LIMIT] if pipelines else []:
        if not change.deleted:
            name, tag = change.branch or change.tag or "", change.tag is not None
            await push_pipeline(lab, project, ref=name, sha=change.after, before=change.before, tag=tag, user=user)


def record_push(lab: Instance, project: Project, changes: Sequence[RefChange], user: User) -> None:
    """Write Git pushes into the ledger beside the API's writes."""
    for change in changes:
        lab.ledger.record(
            RecordedRequest(
                method="GIT",
                raw_path=f"/{project.path_with_namespace}.git",
                path=change.ref,
                query={},
                body={"before": change.before, "after": change.after},
                user=user.username,
                status=200,
                route="git-receive-pack",
                natural_key=f"push:{project.path_with_namespace}:{change.ref}:{change.after}",
            )
        )


async def _update_merge_requests(lab: Instance, project: Project, change: RefChange, user: User) -> None:
    arrived = await _new_commits(project, change)
    shas = {one.sha for one in arrived}
    for mr in [one for one in project.merge_requests.values() if one.state == "opened"]:
        if mr.target_branch == change.branch and mr.head_sha in shas:
            await _mark_merged(lab, project, mr, user)
        elif mr.source_branch == change.branch and not change.deleted:
            await refresh_head(lab, project, mr, change.after, user)
        elif change.branch in (mr.source_branch, mr.target_branch):
            mark_unchecked(lab, project, mr)


async def _mark_merged(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    """The head arrived in the target by a push: GitLab calls the merge request merged (post_merge_manually_merged)."""
    mr.state, mr.merged_at, mr.merge_user, mr.updated_at = "merged", lab.now(), user, lab.now()
    add_system_note(lab, mr, user, "mentioned in commit " + (project.repository.branch(mr.target_branch) or ""))
    await tell(lab, project, mr, user, action="merge")


async def _fire_push(lab: Instance, project: Project, change: RefChange, user: User) -> None:
    event = "tag_push_events" if change.tag is not None else "push_events"
    if not any(event in hook.events for hook in lab.hooks_of(project)):
        return
    commits = await _new_commits(project, change) if change.tag is None else await _tip(project, change)
    shown = list(reversed(commits[:COMMITS_SHOWN]))
    lab.webhooks.fire(project, event, await push_payload(lab, project, change, user, shown, len(commits)))


async def _new_commits(project: Project, change: RefChange) -> list[Commit]:
    if change.deleted:
        return []
    if change.before != ZERO_SHA:
        return await project.repository.log(change.after, f"^{change.before}")
    default = project.repository.branch(project.default_branch)
    if default is None or change.branch == project.default_branch:
        return await project.repository.log(change.after)
    return await project.repository.log(change.after, f"^{default}")


async def _tip(project: Project, change: RefChange) -> list[Commit]:
    return [] if change.deleted else await project.repository.log(change.after, limit=1)
