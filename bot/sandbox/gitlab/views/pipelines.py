"""Pipelines, jobs and commit statuses as the API shows them."""

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Job, Pipeline
from bot.sandbox.gitlab.repository import Commit
from bot.sandbox.gitlab.views.commits import commit_view
from bot.sandbox.gitlab.views.people import user_basic


def pipeline_basic(lab: Instance, project: Project, pipeline: Pipeline) -> Json:
    return {
        "id": pipeline.id,
        "iid": pipeline.iid,
        "project_id": project.id,
        "sha": pipeline.sha,
        "ref": pipeline.ref,
        "status": pipeline.status,
        "source": pipeline.source,
        "created_at": stamp(pipeline.created_at),
        "updated_at": stamp(pipeline.updated_at),
        "web_url": f"{lab.url}/{project.path_with_namespace}/-/pipelines/{pipeline.id}",
        "name": None,
    }


def pipeline_view(lab: Instance, project: Project, pipeline: Pipeline) -> Json:
    return {
        **pipeline_basic(lab, project, pipeline),
        "before_sha": pipeline.before_sha,
        "tag": pipeline.tag,
        "yaml_errors": pipeline.yaml_errors,
        "user": user_basic(lab, pipeline.user),
        "started_at": stamp(pipeline.started_at),
        "finished_at": stamp(pipeline.finished_at),
        "committed_at": None,
        "duration": 0 if pipeline.finished_at else None,
        "queued_duration": 0,
        "coverage": None,
        "detailed_status": {
            "icon": f"status_{pipeline.status}",
            "text": detailed_word(pipeline.status),
            "label": detailed_word(pipeline.status),
            "group": pipeline.status,
            "has_details": True,
        },
    }


def status_view(lab: Instance, project: Project, pipeline: Pipeline, job: Job) -> Json:
    return {
        "id": job.id,
        "sha": job.sha,
        "ref": job.ref,
        "status": job.status,
        "name": job.name,
        "target_url": job.target_url,
        "description": job.description,
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at),
        "allow_failure": job.allow_failure,
        "coverage": job.coverage,
        "pipeline_id": pipeline.id,
        "author": user_basic(lab, job.user),
    }


def job_view(lab: Instance, project: Project, pipeline: Pipeline, job: Job, commit: Commit | None) -> Json:
    return {
        "id": job.id,
        "status": job.status,
        "stage": job.stage,
        "name": job.name,
        "ref": job.ref,
        "tag": job.tag,
        "coverage": job.coverage,
        "allow_failure": job.allow_failure,
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at),
        "erased_at": None,
        "duration": None,
        "queued_duration": None,
        "user": user_basic(lab, job.user),
        "commit": commit_view(lab, project, commit) if commit else None,
        "pipeline": pipeline_basic(lab, project, pipeline),
        "failure_reason": job.failure_reason,
        "web_url": f"{lab.url}/{project.path_with_namespace}/-/jobs/{job.id}",
        "artifacts": [],
        "runner": None,
        "archived": False,
    }


def detailed_word(status: str) -> str:
    """GitLab calls a successful pipeline `passed` in its detailed status."""
    return "passed" if status == "success" else status
