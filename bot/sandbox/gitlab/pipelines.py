"""Pipelines: made where the commit has a CI file, ended as the control says, rolled up from their latest jobs."""

import asyncio
from collections.abc import Collection

from bot.sandbox.gitlab.chains import CURRENT_CHAIN, Chain
from bot.sandbox.gitlab.ci_config import InvalidConfig, PlannedJob, planned_jobs
from bot.sandbox.gitlab.instance import Instance, PipelineResult
from bot.sandbox.gitlab.mergeability import ACTIVE
from bot.sandbox.gitlab.payloads.delivery import job_payload, pipeline_payload
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import FINISHED, Job, MergeRequest, Pipeline
from bot.sandbox.gitlab.repository import ZERO_SHA
from bot.sandbox.gitlab.repository_writes import commit_tree, merged_tree, signature_of

SKIP_MARKS = ("[skip ci]", "[ci skip]")


async def push_pipeline(
    lab: Instance, project: Project, *, ref: str, sha: str, before: str, tag: bool, user: User
) -> None:
    """Make the branch or tag pipeline of a push, if the commit's CI file wants one."""
    open_mrs = [one for one in project.merge_requests.values() if one.source_branch == ref and one.state == "opened"]
    variables = {
        "$CI_PIPELINE_SOURCE": "push",
        "$CI_DEFAULT_BRANCH": project.default_branch,
        "$CI_COMMIT_REF_NAME": ref,
        "$CI_COMMIT_TAG" if tag else "$CI_COMMIT_BRANCH": ref,
        "$CI_OPEN_MERGE_REQUESTS": ",".join(f"{project.path_with_namespace}!{one.iid}" for one in open_mrs),
    }
    pipeline = new_pipeline(lab, project, ref=ref, sha=sha, source="push", user=user, tag=tag, before=before)
    await _fill(lab, project, pipeline, sha, variables)


async def merge_request_pipeline(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    """Make the merge request pipeline, for the merged result where the project asks for that (a paid feature)."""
    variables = {
        "$CI_PIPELINE_SOURCE": "merge_request_event",
        "$CI_DEFAULT_BRANCH": project.default_branch,
        "$CI_MERGE_REQUEST_IID": str(mr.iid),
        "$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": mr.source_branch,
        "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME": mr.target_branch,
    }
    merged = await _merged_result(lab, project, mr, user)
    kind = "merge" if merged else "head"
    pipeline = new_pipeline(
        lab,
        project,
        ref=f"refs/merge-requests/{mr.iid}/{kind}",
        sha=merged or mr.head_sha,
        source="merge_request_event",
        user=user,
    )
    pipeline.source_sha = mr.head_sha if merged else None
    pipeline.merge_request_iid = mr.iid
    await _fill(lab, project, pipeline, mr.head_sha, variables)


def new_pipeline(
    lab: Instance,
    project: Project,
    *,
    ref: str,
    sha: str,
    source: str,
    user: User,
    tag: bool = False,
    before: str = ZERO_SHA,
) -> Pipeline:
    """A pipeline without jobs that the project does not list yet."""
    return Pipeline(
        id=0,
        iid=0,
        ref=ref,
        sha=sha,
        source=source,
        user=user,
        tag=tag,
        before_sha=before,
        created_at=lab.now(),
        updated_at=lab.now(),
    )


def enlist(lab: Instance, project: Project, pipeline: Pipeline) -> None:
    """Number a pipeline and put it on the project's list."""
    pipeline.id = lab.next_id("pipeline")
    pipeline.iid = len(project.pipelines) + 1
    project.pipelines.append(pipeline)


async def roll_up(lab: Instance, project: Project, pipeline: Pipeline) -> None:
    """Compute the pipeline's status from its latest jobs; tell hooks and waiting merges when it changed.

    A finished pipeline that gets an unfinished job is running again: that is the reopening.
    """
    status = composite([(job.status, job.allow_failure) for job in pipeline.latest_jobs()])
    if status == pipeline.status:
        return
    pipeline.status = status
    pipeline.updated_at = lab.now()
    if status == "running" and pipeline.started_at is None:
        pipeline.started_at = lab.now()
    pipeline.finished_at = lab.now() if status in FINISHED else None
    await tell_pipeline(lab, project, pipeline)
    if status in FINISHED:
        for watcher in lab.pipeline_watchers:
            lab.spawn(watcher(project, pipeline))


async def tell_pipeline(lab: Instance, project: Project, pipeline: Pipeline) -> None:
    commit = await project.repository.commit(pipeline.sha)
    lab.webhooks.fire(project, "pipeline_events", pipeline_payload(lab, project, pipeline, commit))


async def tell_job(lab: Instance, project: Project, pipeline: Pipeline, job: Job) -> None:
    commit = await project.repository.commit(job.sha)
    lab.webhooks.fire(project, "job_events", job_payload(lab, project, pipeline, job, commit))


def composite(jobs: Collection[tuple[str, bool]]) -> str:
    """GitLab's roll-up of (status, allow_failure) pairs (lib/gitlab/ci/status/composite.rb)."""
    seen = {"success" if status in ("failed", "canceled") and may_fail else status for status, may_fail in jobs}
    seen = {"skipped" if status == "manual" and (status, True) in jobs else status for status in seen}
    if seen <= {"skipped"}:
        return "skipped" if seen else "created"
    for only, status in (
        ({"success", "skipped"}, "success"),
        ({"created"}, "created"),
        ({"canceled", "success", "skipped"}, "canceled"),
        ({"pending", "created", "skipped"}, "pending"),
    ):
        if seen <= only:
            return status
    for present, status in (
        ("running", "running"),
        ("pending", "running"),
        ("manual", "manual"),
        ("created", "running"),
    ):
        if present in seen:
            return status
    return "failed"


async def finish(lab: Instance, project: Project, pipeline: Pipeline, result: PipelineResult) -> None:
    """Bring a pipeline's CI jobs to the result the control asked for."""
    for job in pipeline.latest_jobs():
        if job.external or job.status in ("manual", result.status):
            continue
        job.status = result.status
        job.finished_at = lab.now() if result.status in FINISHED else None
        job.failure_reason = "script_failure" if result.status == "failed" else None
        await tell_job(lab, project, pipeline, job)
    await roll_up(lab, project, pipeline)


async def _fill(
    lab: Instance, project: Project, pipeline: Pipeline, config_sha: str, variables: dict[str, str]
) -> None:
    text = await project.repository.blob(config_sha, project.ci_config_path)
    commit = await project.repository.commit(config_sha)
    if text is None or commit is None:
        return
    try:
        jobs = planned_jobs(text.decode(), variables)
    except InvalidConfig as error:
        enlist(lab, project, pipeline)
        pipeline.yaml_errors, pipeline.status, pipeline.finished_at = str(error), "failed", lab.now()
        return
    if not jobs:
        return
    enlist(lab, project, pipeline)
    skipped = any(mark in commit.message.lower() for mark in SKIP_MARKS)
    pipeline.jobs = [_job(lab, pipeline, job, "skipped" if skipped else "created") for job in jobs]
    if skipped:
        await roll_up(lab, project, pipeline)
        return
    lab.spawn(_run(lab, project, pipeline))


def _job(lab: Instance, pipeline: Pipeline, planned: PlannedJob, status: str) -> Job:
    return Job(
        id=lab.next_id("job"),
        name=planned.name,
        stage=planned.stage,
        ref=pipeline.ref,
        sha=pipeline.sha,
        tag=pipeline.tag,
        user=pipeline.user,
        created_at=lab.now(),
        status="manual" if planned.manual and status == "created" else status,
        allow_failure=planned.allow_failure,
    )


async def _run(lab: Instance, project: Project, pipeline: Pipeline) -> None:
    # A runner's progress belongs to no request, so it starts an event chain of its own.
    CURRENT_CHAIN.set(Chain())
    await _advance(lab, project, pipeline, "pending")
    await asyncio.sleep(0)
    await _advance(lab, project, pipeline, "running")
    result = lab.pipeline_results.get(pipeline.source_sha or pipeline.sha, PipelineResult())
    await asyncio.sleep(lab.timings.pipeline if result.after is None else result.after)
    result = lab.pipeline_results.get(pipeline.source_sha or pipeline.sha, PipelineResult())
    if result.status != "running" and pipeline.status in ACTIVE:
        await finish(lab, project, pipeline, result)


async def _advance(lab: Instance, project: Project, pipeline: Pipeline, status: str) -> None:
    for job in pipeline.latest_jobs():
        if job.status in ("created", "pending"):
            job.status = status
            job.started_at = lab.now() if status == "running" else None
            await tell_job(lab, project, pipeline, job)
    await roll_up(lab, project, pipeline)


async def _merged_result(lab: Instance, project: Project, mr: MergeRequest, user: User) -> str | None:
    repository, target = project.repository, project.repository.branch(mr.target_branch)
    if lab.edition == "free" or not project.merge_pipelines_enabled or target is None:
        return None
    tree = await merged_tree(repository, target, mr.head_sha)
    if tree is None:
        return None
    message = f"Merge {mr.head_sha} into {target}"
    sha = await commit_tree(repository, tree, [target, mr.head_sha], message, signature_of(user, lab.now()))
    await repository.set_ref(f"refs/merge-requests/{mr.iid}/merge", sha)
    return sha
