"""Commit statuses by the rules of GitLab's Ci::CreateCommitStatusService (app/services/ci, 18.x)."""

import asyncio
from collections.abc import Mapping

from bot.sandbox.gitlab.access import may_update_ref
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.pipelines import enlist, new_pipeline, roll_up, tell_job
from bot.sandbox.gitlab.problems import ApiProblem, bad_parameter, bad_request, forbidden, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import FINISHED, Job, Pipeline

STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
LOCK_PATIENCE = 2.0
"""Seconds a status write waits for another one of the same commit (20 tries of 0.1 s)."""
LONGEST_DESCRIPTION = 255

# Each state's event, and the states the event may leave (app/models/concerns/ci/has_status.rb, commit_status.rb).
_EVENTS: Mapping[str, tuple[str, frozenset[str]]] = {
    "pending": ("enqueue", frozenset({"created", "skipped", "manual"})),
    "running": ("run", frozenset({"pending"})),
    "success": ("success", frozenset({"created", "pending", "running"})),
    "failed": ("drop", frozenset({"created", "pending", "running"})),
    "canceled": ("cancel", frozenset({"created", "pending", "running"})),
    "skipped": ("skip", frozenset({"created", "pending"})),
}


async def write_status(call: Call, project: Project, sha: str) -> tuple[Pipeline, Job]:
    """Create or move the status the call describes; raises ApiProblem as GitLab refuses."""
    lock = call.lab.status_locks[project.id, sha]
    try:
        await asyncio.wait_for(lock.acquire(), LOCK_PATIENCE)
    except TimeoutError:
        raise ApiProblem(409, {"message": "409 Conflict: another update of this commit is in progress"}) from None
    try:
        return await _write(call, project, sha)
    finally:
        lock.release()


async def _write(call: Call, project: Project, sha: str) -> tuple[Pipeline, Job]:
    lab, state = call.lab, call.required("state", STATES)
    commit = await project.repository.commit(sha)
    if commit is None:
        raise not_found("Commit")
    matching = _matching_pipelines(call, project, commit.sha)
    ref = call.optional_text("ref") or (matching[0].ref if matching else await _branch_with(project, commit.sha))
    if ref is None:
        raise not_found("References for commit")
    if call.has("pipeline_id") and not matching:
        raise not_found("Pipeline for pipeline_id, sha and ref")
    pipeline = matching[0] if matching else _external_pipeline(lab, project, ref, commit.sha, call.actor)
    tag = pipeline.tag or (project.repository.branch(ref) is None and project.repository.tag(ref) is not None)
    if not ref.startswith("refs/") and not may_update_ref(lab, call.actor, project, ref, tag=tag):
        raise forbidden()
    if not pipeline.id:
        enlist(lab, project, pipeline)
    job = _row(call, pipeline, ref)
    _move(job, state, call)
    if job not in pipeline.jobs:
        _retire_older(pipeline, job)
        pipeline.jobs.append(job)
    _stamp(lab, job)
    await tell_job(lab, project, pipeline, job)
    await roll_up(lab, project, pipeline)
    return pipeline, job


def _matching_pipelines(call: Call, project: Project, sha: str) -> list[Pipeline]:
    found = [one for one in project.pipelines if one.sha == sha]
    if call.has("ref"):
        found = [one for one in found if one.ref == call.text("ref")]
    if call.has("pipeline_id"):
        found = [one for one in found if one.id == call.integer("pipeline_id")]
    return sorted(found, key=lambda one: one.id, reverse=True)


async def _branch_with(project: Project, sha: str) -> str | None:
    for name, head in sorted(project.repository.branches().items()):
        if await project.repository.is_ancestor(sha, head):
            return name
    return None


def _external_pipeline(lab: Instance, project: Project, ref: str, sha: str, user: User) -> Pipeline:
    return new_pipeline(lab, project, ref=ref, sha=sha, source="external", user=user)


def _row(call: Call, pipeline: Pipeline, ref: str) -> Job:
    """The pending or running row of the same name, ref and user, else a new one (gitlab #16788)."""
    name = call.optional_text("name") or call.optional_text("context") or "default"
    for job in pipeline.jobs:
        if (job.external, job.name, job.ref, job.user.id) != (True, name, ref, call.actor.id):
            continue
        if job.status in ("pending", "running"):
            return job
    return Job(
        id=call.lab.next_id("job"),
        name=name,
        stage="external",
        ref=ref,
        sha=pipeline.sha,
        tag=pipeline.tag,
        user=call.actor,
        created_at=call.lab.now(),
        external=True,
    )


def _move(job: Job, state: str, call: Call) -> None:
    """Change state, and description and target only together with it."""
    event, sources = _EVENTS[state]
    # `running` first enqueues a new row without complaint, then runs it.
    status = "pending" if state == "running" and job.status in _EVENTS["pending"][1] else job.status
    if status not in sources:
        reason = f'Status cannot transition via "{event}"'
        raise bad_request(f"Cannot transition status via :{event} from :{job.status} (Reason(s): {reason})")
    description = call.optional_text("description")
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        raise bad_request({"description": [f"is too long (maximum is {LONGEST_DESCRIPTION} characters)"]})
    coverage = call.optional_text("coverage")
    if coverage is not None and not coverage.replace(".", "", 1).isdigit():
        raise bad_parameter("coverage is invalid")
    job.status = state
    job.description = description if description is not None else job.description
    job.target_url = call.optional_text("target_url") or job.target_url
    job.coverage = float(coverage) if coverage is not None else job.coverage
    job.failure_reason = "api_failure" if state == "failed" else None


def _retire_older(pipeline: Pipeline, job: Job) -> None:
    for older in pipeline.jobs:
        if older.name == job.name and older.ref == job.ref:
            older.retried = True


def _stamp(lab: Instance, job: Job) -> None:
    if job.status == "running" or (job.status in FINISHED and job.started_at is None):
        job.started_at = lab.now()
    if job.status in FINISHED:
        job.finished_at = lab.now()
