"""Pipelines: when they are made, for which ref, and how they are listed."""

import pytest
from contract.forge import Forge, SandboxThread, commit, eventually, open_merge_request
from gitlab.v4.objects import Project

CI = "test:\n  script: [true]\n"
MR_CI = "workflow:\n  rules:\n    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\n" + CI
SWITCHING_CI = """
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS
      when: never
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH || $CI_COMMIT_TAG =~ /^v/
test:
  script: [true]
"""


@pytest.mark.rule("pipeline-needs-config")
def test_commit_without_ci_file_has_no_pipeline(project: Project) -> None:
    commit(project, "main", {"x.txt": "x\n"}, "plain")
    sha = commit(project, "main", {".gitlab-ci.yml": CI}, "with CI")

    assert {one.sha for one in project.pipelines.list(get_all=True)} == {sha}


@pytest.mark.rule("pipeline-skip-ci")
def test_skip_mark_in_the_message_skips_the_pipeline(project: Project) -> None:
    sha = commit(project, "main", {".gitlab-ci.yml": CI}, "not now [skip ci]")

    assert [one.status for one in project.pipelines.list(sha=sha, get_all=True)] == ["skipped"]


@pytest.mark.rule("pipeline-invalid-config")
def test_invalid_ci_file_fails_the_pipeline(project: Project) -> None:
    sha = commit(project, "main", {".gitlab-ci.yml": "- not\n- a mapping\n"}, "broken")

    made = project.pipelines.list(sha=sha, get_all=True)[0]

    assert made.status == "failed"
    assert project.pipelines.get(made.id).yaml_errors


@pytest.mark.rule("pipeline-tag")
def test_tag_has_a_pipeline_of_its_own(project: Project) -> None:
    sha = commit(project, "main", {".gitlab-ci.yml": CI}, "with CI")
    project.tags.create({"tag_name": "v1.0.0", "ref": sha})

    found = {(one.ref, one.sha) for one in project.pipelines.list(get_all=True)}

    assert found == {("main", sha), ("v1.0.0", sha)}


@pytest.mark.rule("pipeline-merge-request-event")
def test_merge_request_pipeline_runs_on_its_own_ref(project: Project) -> None:
    commit(project, "main", {".gitlab-ci.yml": MR_CI}, "CI for merge requests")

    mr = open_merge_request(project)

    made = eventually(lambda: next(iter(mr.pipelines.list(get_all=True)), None))
    assert (made.source, made.ref, made.sha) == ("merge_request_event", f"refs/merge-requests/{mr.iid}/head", mr.sha)
    assert [one.source for one in project.pipelines.list(get_all=True)] == ["merge_request_event"]


@pytest.mark.rule("pipeline-workflow-rules")
def test_workflow_rules_switch_between_branch_and_merge_request_pipelines(project: Project) -> None:
    commit(project, "main", {".gitlab-ci.yml": SWITCHING_CI}, "CI that switches")
    mr = open_merge_request(project)
    commit(project, "feature", {"more.txt": "x\n"}, "more")
    project.tags.create({"tag_name": "nightly", "ref": "main"})
    project.tags.create({"tag_name": "v1", "ref": "main"})

    refs = [one.ref for one in project.pipelines.list(get_all=True)]

    own = f"refs/merge-requests/{mr.iid}/head"
    assert sorted(refs) == ["main", own, own, "v1"]


@pytest.mark.rule("pipeline-merged-result")
def test_merged_result_pipeline_tests_a_merge_of_target_and_head(paid_forge: Forge) -> None:
    project = paid_forge.project(merge_pipelines_enabled=True)
    target = commit(project, "main", {".gitlab-ci.yml": MR_CI}, "CI for merge requests")

    mr = open_merge_request(project)

    made = eventually(lambda: next(iter(mr.pipelines.list(get_all=True)), None))
    assert made.ref == f"refs/merge-requests/{mr.iid}/merge"
    assert project.commits.get(made.sha).parent_ids == [target, mr.sha]
    assert eventually(lambda: project.mergerequests.get(mr.iid).head_pipeline)["id"] == made.id


@pytest.mark.rule("pipeline-jobs")
def test_pipeline_lists_its_jobs_without_external_statuses(project: Project) -> None:
    sha = commit(project, "main", {".gitlab-ci.yml": CI + "lint:\n  stage: check\n  script: [true]\n"}, "two jobs")
    project.commits.get(sha).statuses.create({"state": "success", "name": "outside", "ref": "main"})
    pipeline = project.pipelines.get(project.pipelines.list(sha=sha, get_all=True)[0].id)

    assert {(one.name, one.stage) for one in pipeline.jobs.list(get_all=True)} == {("test", "test"), ("lint", "check")}


@pytest.mark.rule("pipeline-manual-job")
def test_manual_job_with_rules_keeps_the_pipeline_manual(project: Project) -> None:
    config = CI + "release:\n  script: [true]\n  rules:\n    - when: manual\n"

    sha = commit(project, "main", {".gitlab-ci.yml": config}, "manual")

    assert eventually(lambda: project.pipelines.list(sha=sha, status="manual", get_all=True))


@pytest.mark.rule("pipeline-filters", "pipeline-latest")
def test_pipelines_are_filtered_and_ordered(sandbox: SandboxThread, forge: Forge) -> None:
    project = forge.project()
    first = commit(project, "main", {".gitlab-ci.yml": CI}, "one")
    second = commit(project, "main", {"x.txt": "x\n"}, "two")
    sandbox.do(lambda: sandbox.lab.set_pipeline_result(first, "failed"))
    sandbox.run(sandbox.lab.settle())

    def shas(**filters: str) -> list[str]:
        return [one.sha for one in project.pipelines.list(get_all=True, iterator=False, **filters)]

    assert shas() == [second, first]
    assert shas(sort="asc") == [first, second]
    assert shas(status="failed") == [first]
    assert shas(ref="elsewhere") == []
    assert shas(source="push", sha=second) == [second]
    assert project.pipelines.latest(ref="main").sha == second
