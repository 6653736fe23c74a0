"""Merge requests and approvals as the API shows them."""

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.mergeability import detailed_status, head_pipeline
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Label, MergeRequest
from bot.sandbox.gitlab.views.people import user_basic, user_or_none
from bot.sandbox.gitlab.views.pipelines import pipeline_basic, pipeline_view


def reference(project: Project, merge_request: MergeRequest) -> str:
    return f"{project.path_with_namespace}!{merge_request.iid}"


def merge_request_url(lab: Instance, project: Project, merge_request: MergeRequest) -> str:
    return f"{lab.url}/{project.path_with_namespace}/-/merge_requests/{merge_request.iid}"


def merge_request_basic(lab: Instance, project: Project, mr: MergeRequest, *, label_details: bool = False) -> Json:
    details = [label_view(project, name) for name in mr.labels]
    return {
        "id": mr.id,
        "iid": mr.iid,
        "project_id": project.id,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "created_at": stamp(mr.created_at),
        "updated_at": stamp(mr.updated_at),
        "merged_by": user_or_none(lab, mr.merge_user),
        "merge_user": user_or_none(lab, mr.merge_user or mr.auto_merge_by),
        "merged_at": stamp(mr.merged_at),
        "closed_by": user_or_none(lab, mr.closed_by),
        "closed_at": stamp(mr.closed_at),
        "target_branch": mr.target_branch,
        "source_branch": mr.source_branch,
        "user_notes_count": sum(1 for note in mr.notes if not note.system),
        "upvotes": sum(1 for award in mr.awards if award.name == "thumbsup"),
        "downvotes": sum(1 for award in mr.awards if award.name == "thumbsdown"),
        "author": user_basic(lab, mr.author),
        "assignees": [user_basic(lab, one) for one in mr.assignees],
        "assignee": user_or_none(lab, mr.assignees[0] if mr.assignees else None),
        "reviewers": [user_basic(lab, one) for one in mr.reviewers],
        "source_project_id": project.id,
        "target_project_id": project.id,
        "labels": details if label_details else list(mr.labels),
        "draft": mr.draft,
        "work_in_progress": mr.draft,
        "imported": False,
        "imported_from": "none",
        "milestone": None,
        "merge_when_pipeline_succeeds": mr.auto_merge_by is not None,
        "merge_status": _old_merge_status(mr),
        "detailed_merge_status": detailed_status(lab, project, mr),
        "merge_after": None,
        "sha": mr.head_sha,
        "merge_commit_sha": mr.merge_commit_sha,
        "squash_commit_sha": mr.squash_commit_sha,
        "discussion_locked": mr.discussion_locked,
        "should_remove_source_branch": None,
        "force_remove_source_branch": mr.force_remove_source_branch,
        "prepared_at": stamp(mr.prepared_at),
        "reference": f"!{mr.iid}",
        "references": {"short": f"!{mr.iid}", "relative": f"!{mr.iid}", "full": reference(project, mr)},
        "web_url": merge_request_url(lab, project, mr),
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "squash": mr.squash,
        "squash_on_merge": mr.squash or project.squash_option == "always",
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": mr.conflict,
        "blocking_discussions_resolved": all(note.resolved for note in mr.notes if note.resolvable),
        "approvals_before_merge": None,
    }


def merge_request_view(lab: Instance, project: Project, mr: MergeRequest, *, can_merge: bool, changes: int) -> Json:
    """The single merge request, which tells more than a list does."""
    pipeline = head_pipeline(project, mr)
    target = project.repository.branch(mr.target_branch)
    return {
        **merge_request_basic(lab, project, mr),
        "subscribed": False,
        "changes_count": str(changes),
        "latest_build_started_at": stamp(pipeline.started_at) if pipeline else None,
        "latest_build_finished_at": stamp(pipeline.finished_at) if pipeline else None,
        "first_deployed_to_production_at": None,
        "pipeline": pipeline_basic(lab, project, pipeline) if pipeline else None,
        "head_pipeline": pipeline_view(lab, project, pipeline) if pipeline else None,
        "diff_refs": {"base_sha": mr.base_sha, "head_sha": mr.head_sha, "start_sha": mr.base_sha or target},
        "merge_error": mr.merge_error,
        "first_contribution": False,
        "user": {"can_merge": can_merge},
    }


def label_view(project: Project, name: str) -> Json:
    label = project.label(name) or Label(id=0, name=name)
    return {
        "id": label.id,
        "name": label.name,
        "color": label.color,
        "description": label.description,
        "description_html": label.description or "",
        "text_color": "#FFFFFF",
        "archived": False,
    }


def approvals_view(lab: Instance, project: Project, mr: MergeRequest, user: User | None) -> Json:
    """An EE binary shows the paid fields on Free as well, with nothing required; `approved` is then always true."""
    approvers = [lab.users[one] for one in mr.approvals]
    required = 0 if lab.edition == "free" else project.approvals_before_merge
    return {
        "id": mr.id,
        "iid": mr.iid,
        "project_id": project.id,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state,
        "created_at": stamp(mr.created_at),
        "updated_at": stamp(mr.updated_at),
        "merge_status": _old_merge_status(mr),
        "approved": len(approvers) >= required,
        "approvals_required": required,
        "approvals_left": max(0, required - len(approvers)),
        "require_password_to_approve": False,
        "approved_by": [
            {"user": user_basic(lab, one), "approved_at": stamp(mr.approvals[one.id])} for one in approvers
        ],
        "user_has_approved": user is not None and user.id in mr.approvals,
        "user_can_approve": user is not None and user.id not in mr.approvals,
    }


def approval_state_view(lab: Instance, project: Project, mr: MergeRequest) -> Json:
    approvers = [lab.users[one] for one in mr.approvals]
    rule: Json = {
        "id": mr.id,
        "name": "All Members",
        "rule_type": "any_approver",
        "approvals_required": project.approvals_before_merge,
        "approved_by": [user_basic(lab, one) for one in approvers],
        "approved": len(approvers) >= project.approvals_before_merge,
        "eligible_approvers": [],
        "users": [],
        "groups": [],
    }
    return {"approval_rules_overwritten": False, "rules": [rule]}


def _old_merge_status(mr: MergeRequest) -> str:
    return "checking" if mr.merge_status == "preparing" else mr.merge_status
