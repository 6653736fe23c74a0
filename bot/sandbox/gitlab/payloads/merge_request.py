"""Merge request payloads, and the short merge request that note, pipeline and emoji payloads carry."""

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.mergeability import detailed_status, head_pipeline
from bot.sandbox.gitlab.payloads.common import hook_commit, hook_labels, hook_project, hook_repository, hook_user
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest
from bot.sandbox.gitlab.repository import Commit

STATE_IDS = {"opened": 1, "closed": 2, "merged": 3, "locked": 4}


def merge_request_payload(
    lab: Instance,
    project: Project,
    mr: MergeRequest,
    user: User,
    *,
    action: str | None,
    commit: Commit | None,
    changes: Json,
    oldrev: str | None = None,
    system: bool = False,
    system_action: str | None = None,
) -> Json:
    """`oldrev` only when commits changed; `commit` is the head."""
    attributes = merge_request_attributes(lab, project, mr, commit)
    attributes |= {"action": action} if action else {}
    attributes |= {"oldrev": oldrev} if oldrev else {}
    attributes |= {"system": system} | ({"system_action": system_action} if system_action else {})
    people: Json = {}
    if mr.assignees:
        people["assignees"] = [hook_user(one) for one in mr.assignees]
    if mr.reviewers:
        people["reviewers"] = [{**hook_user(one), "state": "unreviewed", "re_requested": False} for one in mr.reviewers]
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": hook_user(user),
        "project": hook_project(lab, project),
        "object_attributes": attributes,
        "labels": hook_labels(project, mr.labels),
        "changes": changes,
        "repository": hook_repository(lab, project),
        **people,
    }


def merge_request_attributes(lab: Instance, project: Project, mr: MergeRequest, commit: Commit | None) -> Json:
    """What hooks call `object_attributes` or `merge_request`: a dump of the row, with times in hook format."""
    pipeline = head_pipeline(project, mr)
    return {
        "id": mr.id,
        "iid": mr.iid,
        "target_branch": mr.target_branch,
        "source_branch": mr.source_branch,
        "source_project_id": project.id,
        "target_project_id": project.id,
        "author_id": mr.author.id,
        "assignee_id": mr.assignees[0].id if mr.assignees else None,
        "assignee_ids": [one.id for one in mr.assignees],
        "reviewer_ids": [one.id for one in mr.reviewers],
        "title": mr.title,
        "description": mr.description,
        "created_at": stamp(mr.created_at),
        "updated_at": stamp(mr.updated_at),
        "prepared_at": stamp(mr.prepared_at),
        "last_edited_at": None,
        "last_edited_by_id": None,
        "updated_by_id": None,
        "milestone_id": None,
        "state": mr.state,
        "state_id": STATE_IDS[mr.state],
        "draft": mr.draft,
        "work_in_progress": mr.draft,
        "merge_status": "checking" if mr.merge_status == "preparing" else mr.merge_status,
        "detailed_merge_status": detailed_status(lab, project, mr),
        "merge_error": mr.merge_error,
        "merge_params": {"force_remove_source_branch": "1" if mr.force_remove_source_branch else "0"},
        "merge_user_id": mr.merge_user.id if mr.merge_user else None,
        "merge_when_pipeline_succeeds": mr.auto_merge_by is not None,
        "merge_commit_sha": mr.merge_commit_sha,
        "squash_commit_sha": mr.squash_commit_sha,
        "head_pipeline_id": pipeline.id if pipeline else None,
        "blocking_discussions_resolved": all(note.resolved for note in mr.notes if note.resolvable),
        "first_contribution": False,
        "source": hook_project(lab, project),
        "target": hook_project(lab, project),
        "last_commit": hook_commit(lab, project, commit) if commit else None,
        "labels": hook_labels(project, mr.labels),
        "position": 0,
        "assignee": hook_user(mr.assignees[0]) if mr.assignees else None,
        "time_estimate": 0,
        "time_change": 0,
        "total_time_spent": 0,
        "human_time_change": None,
        "human_time_estimate": None,
        "human_total_time_spent": None,
        "url": f"{lab.url}/{project.path_with_namespace}/-/merge_requests/{mr.iid}",
    }
