"""Pipeline, job and deployment payloads."""

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.mergeability import detailed_status
from bot.sandbox.gitlab.payloads.common import (
    hook_commit,
    hook_project,
    hook_repository_full,
    hook_time,
    hook_user,
)
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Deployment, Job, MergeRequest, Pipeline
from bot.sandbox.gitlab.repository import Commit
from bot.sandbox.gitlab.views.pipelines import detailed_word


def pipeline_payload(lab: Instance, project: Project, pipeline: Pipeline, commit: Commit | None) -> Json:
    """`variables` are given by people at the start of a pipeline; none are here, and they would be secrets."""
    mr = project.merge_requests.get(pipeline.merge_request_iid or 0)
    return {
        "object_kind": "pipeline",
        "object_attributes": _pipeline_attributes(lab, project, pipeline),
        "merge_request": _short_merge_request(lab, project, mr) if mr else None,
        "user": hook_user(pipeline.user),
        "project": hook_project(lab, project),
        "commit": hook_commit(lab, project, commit) if commit else None,
        "builds": [_build(job) for job in pipeline.latest_jobs()],
    }


def job_payload(lab: Instance, project: Project, pipeline: Pipeline, job: Job, commit: Commit | None) -> Json:
    return {
        "object_kind": "build",
        "ref": job.ref,
        "tag": job.tag,
        "before_sha": pipeline.before_sha,
        "sha": job.sha,
        "retries_count": sum(1 for one in pipeline.jobs if one.name == job.name and one.retried),
        "build_id": job.id,
        "build_name": job.name,
        "build_stage": job.stage,
        "build_status": job.status,
        "build_created_at": hook_time(job.created_at),
        "build_started_at": hook_time(job.started_at),
        "build_finished_at": hook_time(job.finished_at),
        "build_created_at_iso": stamp(job.created_at),
        "build_started_at_iso": stamp(job.started_at),
        "build_finished_at_iso": stamp(job.finished_at),
        "build_duration": 0.0 if job.finished_at else None,
        "build_queued_duration": 0.0,
        "build_allow_failure": job.allow_failure,
        "build_failure_reason": job.failure_reason or "unknown_failure",
        "pipeline_id": pipeline.id,
        "runner": None,
        "project_id": project.id,
        "project_name": project.path_with_namespace.replace("/", " / "),
        "user": hook_user(job.user),
        "commit": _pipeline_as_commit(pipeline, commit),
        "repository": hook_repository_full(lab, project),
        "project": hook_project(lab, project),
        "environment": None,
    }


def deployment_payload(lab: Instance, project: Project, deployment: Deployment, commit: Commit | None) -> Json:
    environment = project.environment(deployment.environment)
    return {
        "object_kind": "deployment",
        "status": deployment.status,
        "status_changed_at": hook_time(deployment.updated_at),
        "deployment_id": deployment.id,
        "deployable_id": None,
        "deployable_url": None,
        "environment": deployment.environment,
        "environment_tier": environment.tier if environment else "other",
        "environment_slug": environment.slug if environment else deployment.environment,
        "environment_external_url": environment.external_url if environment else None,
        "project": hook_project(lab, project),
        "short_sha": deployment.sha[:8],
        "user": hook_user(deployment.user),
        "user_url": f"{lab.url}/{deployment.user.username}",
        "commit_url": f"{lab.url}/{project.path_with_namespace}/-/commit/{deployment.sha}",
        "commit_title": commit.title if commit else None,
        "ref": deployment.ref,
    }


def _pipeline_attributes(lab: Instance, project: Project, pipeline: Pipeline) -> Json:
    return {
        "id": pipeline.id,
        "iid": pipeline.iid,
        "name": None,
        "ref": pipeline.ref,
        "tag": pipeline.tag,
        "sha": pipeline.sha,
        "before_sha": pipeline.before_sha,
        "source": pipeline.source,
        "status": pipeline.status,
        "detailed_status": detailed_word(pipeline.status),
        "stages": list(dict.fromkeys(job.stage for job in pipeline.latest_jobs())),
        "created_at": hook_time(pipeline.created_at),
        "finished_at": hook_time(pipeline.finished_at),
        "duration": 0 if pipeline.finished_at else None,
        "queued_duration": 0,
        "protected_ref": bool(project.protection(pipeline.ref)),
        "variables": [],
        "url": f"{lab.url}/{project.path_with_namespace}/-/pipelines/{pipeline.id}",
    }


def _short_merge_request(lab: Instance, project: Project, mr: MergeRequest) -> Json:
    return {
        "id": mr.id,
        "iid": mr.iid,
        "title": mr.title,
        "source_branch": mr.source_branch,
        "source_project_id": project.id,
        "target_branch": mr.target_branch,
        "target_project_id": project.id,
        "state": mr.state,
        "merge_status": "checking" if mr.merge_status == "preparing" else mr.merge_status,
        "detailed_merge_status": detailed_status(lab, project, mr),
        "url": f"{lab.url}/{project.path_with_namespace}/-/merge_requests/{mr.iid}",
    }


def _build(job: Job) -> Json:
    return {
        "id": job.id,
        "stage": job.stage,
        "name": job.name,
        "status": job.status,
        "created_at": hook_time(job.created_at),
        "started_at": hook_time(job.started_at),
        "finished_at": hook_time(job.finished_at),
        "duration": 0.0 if job.finished_at else None,
        "queued_duration": 0.0,
        "failure_reason": job.failure_reason,
        "when": "manual" if job.status == "manual" else "on_success",
        "manual": job.status == "manual",
        "allow_failure": job.allow_failure,
        "user": hook_user(job.user),
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": None,
    }


def _pipeline_as_commit(pipeline: Pipeline, commit: Commit | None) -> Json:
    """Job hooks call the pipeline's facts `commit`, and the `id` in it is the pipeline's."""
    return {
        "id": pipeline.id,
        "name": None,
        "sha": pipeline.sha,
        "message": commit.message if commit else None,
        "author_name": commit.author_name if commit else None,
        "author_email": commit.author_email if commit else None,
        "author_url": None,
        "status": pipeline.status,
        "duration": 0 if pipeline.finished_at else None,
        "started_at": hook_time(pipeline.started_at),
        "finished_at": hook_time(pipeline.finished_at),
    }
