"""Was this very head tested? Read from the jobs of a real pipeline; our own statuses never count (failures F7, F8)."""

from collections.abc import Iterable

from bot.clients.gitlab import reads
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.models import Job, MergeRequest, Pipeline
from bot.observing import MergeProof, ProofVerdict

EXTERNAL = "external"
"""The source of a pipeline that a commit status made (https://docs.gitlab.com/api/pipelines/)."""
FAILED = frozenset({"failed", "canceled"})
ENDED_WELL = frozenset({"success", "skipped"})


async def merge_proof(api: GitLabAPI, project: str, request: MergeRequest, *, target: str, has_ci: bool) -> MergeProof:
    """The verdict on a merge request's head. target: head of the target branch. has_ci: its tree configures CI."""
    found = await reads.merge_request_pipelines(api, project, request.iid)
    pipeline = await _of_head(api, project, found, request.sha or "", target)
    if pipeline is None:
        return without_pipeline(request, has_ci or any(p.source != EXTERNAL for p in found))
    verdict, because = judge_jobs(pipeline, await reads.pipeline_jobs(api, project, pipeline.id))
    return MergeProof(verdict=verdict, because=because, pipeline_id=pipeline.id, ref=pipeline.ref)


def without_pipeline(request: MergeRequest, has_ci: bool) -> MergeProof:
    """No pipeline of this head: not started yet, or there provably is no CI."""
    if has_ci:
        return MergeProof(verdict="missing", because=f"no pipeline of {(request.sha or '')[:8]} is known yet")
    return MergeProof(verdict="none", because="the config project has no CI", ref=request.source_branch)


async def _of_head(api: GitLabAPI, project: str, found: Iterable[Pipeline], head: str, target: str) -> Pipeline | None:
    for pipeline in found:
        if pipeline.source == EXTERNAL:
            continue
        if pipeline.sha == head or await _is_merged_result(api, project, pipeline, head, target):
            return pipeline
    return None


async def _is_merged_result(api: GitLabAPI, project: str, pipeline: Pipeline, head: str, target: str) -> bool:
    """A merged-result pipeline proves the head only together with the target it was merged with."""
    if not pipeline.ref.endswith(("/merge", "/train")):
        return False
    commit = await reads.commit(api, project, pipeline.sha)
    return commit is not None and set(commit.parent_ids) == {head, target}


def judge_jobs(pipeline: Pipeline, jobs: Iterable[Job]) -> tuple[ProofVerdict, str]:
    """Passed when every job that counts ended well; a manual job that must run is still awaited."""
    counting = [job for job in jobs if not job.allow_failure]
    if failed := [job.name for job in counting if job.status in FAILED]:
        return "failed", f"pipeline {pipeline.id} failed in {', '.join(sorted(failed))}"
    if waiting := [job.name for job in counting if job.status not in ENDED_WELL]:
        return "running", f"pipeline {pipeline.id} is running {', '.join(sorted(waiting))}"
    if not counting and pipeline.status not in ENDED_WELL:
        return "running", f"pipeline {pipeline.id} is {pipeline.status}"
    return "passed", f"pipeline {pipeline.id} of {pipeline.sha[:8]} passed"
