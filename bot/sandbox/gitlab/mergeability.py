"""Whether a merge request may merge: an asynchronous check of Git, and one word of why not (`detailed_merge_status`).

The order of the checks is GitLab's (app/models/merge_request.rb, mergeability checks): state, draft, commits,
discussions, CI, approvals, then conflict and rebase; so `need_rebase` hides behind `not_approved` (gitlab #570458).
"""

import asyncio

from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest, Pipeline
from bot.sandbox.gitlab.repository_writes import merged_tree

ACTIVE = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running", "scheduled"})


def head_pipeline(project: Project, mr: MergeRequest) -> Pipeline | None:
    """The newest pipeline of the merge request; its own pipelines win over branch pipelines."""
    of_branch = [
        one
        for one in project.pipelines
        if one.merge_request_iid == mr.iid or (one.merge_request_iid is None and one.ref == mr.source_branch)
    ]
    current = [one for one in of_branch if one.matches(mr.head_sha) and not one.tag]
    return max(current, key=lambda one: (one.merge_request_iid is not None, one.id), default=None)


def detailed_status(lab: Instance, project: Project, mr: MergeRequest) -> str:
    """GitLab's one word for the state of a merge request."""
    if mr.state != "opened":
        return "not_open"
    if mr.merge_status in ("preparing", "unchecked", "checking"):
        return mr.merge_status
    return blocked_by(lab, project, mr) or git_blocks(project, mr) or "mergeable"


def blocked_by(lab: Instance, project: Project, mr: MergeRequest) -> str | None:
    """The first check that fails and does not need Git: what a merge answers 405 to."""
    if mr.state != "opened":
        return "not_open"
    if mr.draft:
        return "draft_status"
    if project.repository.branch(mr.source_branch) is None or project.repository.branch(mr.target_branch) is None:
        return "commits_status"
    if project.only_allow_merge_if_all_discussions_are_resolved and any(
        note.resolvable and not note.resolved for note in mr.notes
    ):
        return "discussions_not_resolved"
    return _ci_blocks(project, mr) or _approvals_block(lab, project, mr)


def git_blocks(project: Project, mr: MergeRequest) -> str | None:
    """What the last Git check found: what a merge answers 422 to."""
    if mr.conflict:
        return "conflict"
    if mr.merge_status == "cannot_be_merged":
        return "need_rebase"
    return None


def mark_unchecked(lab: Instance, project: Project, mr: MergeRequest) -> None:
    """Source or target moved: the verdict is void, and a new check is on its way."""
    if mr.state != "opened" or mr.merge_status == "preparing":
        return
    mr.merge_status = "unchecked"
    mr.check_number += 1
    lab.spawn(_check_later(lab, project, mr, mr.check_number))


def prepare(lab: Instance, project: Project, mr: MergeRequest) -> None:
    """Begin the life of a new merge request: preparing, unchecked, checking, verdict."""
    lab.spawn(_prepare(lab, project, mr))


async def _prepare(lab: Instance, project: Project, mr: MergeRequest) -> None:
    await asyncio.sleep(lab.timings.prepare)
    mr.prepared_at = lab.now()
    mr.merge_status = "unchecked"
    mr.check_number += 1
    await _check_later(lab, project, mr, mr.check_number)


async def _check_later(lab: Instance, project: Project, mr: MergeRequest, number: int) -> None:
    await asyncio.sleep(lab.timings.check)
    if mr.check_number != number:
        return
    mr.merge_status = "checking"
    await asyncio.sleep(lab.timings.check)
    if mr.check_number == number:
        await check(project, mr)


async def check(project: Project, mr: MergeRequest) -> None:
    """Ask Git now and store the verdict."""
    repository, number = project.repository, mr.check_number
    target, head = repository.branch(mr.target_branch), repository.branch(mr.source_branch)
    if target is None or head is None:
        mr.merge_status = "cannot_be_merged"
        return
    conflict = await merged_tree(repository, target, head) is None
    needs_rebase = project.merge_method != "merge" and not await repository.is_ancestor(target, head)
    if mr.check_number == number:
        mr.conflict = conflict
        mr.merge_status = "cannot_be_merged" if conflict or needs_rebase else "can_be_merged"


def _ci_blocks(project: Project, mr: MergeRequest) -> str | None:
    if not project.only_allow_merge_if_pipeline_succeeds:
        return None
    pipeline = head_pipeline(project, mr)
    if pipeline is None:
        return "ci_must_pass"
    if pipeline.status == "success" or (pipeline.status == "skipped" and project.allow_merge_on_skipped_pipeline):
        return None
    return "ci_still_running" if pipeline.status in ACTIVE else "ci_must_pass"


def _approvals_block(lab: Instance, project: Project, mr: MergeRequest) -> str | None:
    if lab.edition == "free":
        return None
    if mr.approvals_syncing:
        return "approvals_syncing"
    return "not_approved" if len(mr.approvals) < project.approvals_before_merge else None
