"""Commit statuses: the transitions, the rows, and what they do to pipelines."""

from typing import Any

import pytest
from contract.forge import DEVELOPER, REPORTER, Forge, SandboxThread, commit, eventually, refused
from gitlab.v4.objects import Project, ProjectCommit

CI = {".gitlab-ci.yml": "test:\n  script: [true]\n"}


@pytest.fixture
def head(project: Project) -> ProjectCommit:
    return project.commits.get(project.branches.get("main").commit["id"])


def post(head: ProjectCommit, state: str, **more: Any) -> Any:
    return head.statuses.create({"state": state, "name": "sluice/dev", "ref": "main", **more})


@pytest.mark.rule("status-same-state-400")
@pytest.mark.parametrize(("state", "event"), [("pending", "enqueue"), ("running", "run")])
def test_same_unfinished_state_again_is_refused(head: ProjectCommit, state: str, event: str) -> None:
    post(head, state)

    with refused(400, f"Cannot transition status via :{event} from :{state}"):
        post(head, state)


@pytest.mark.rule("status-no-way-back-400")
def test_running_cannot_go_back_to_pending(head: ProjectCommit) -> None:
    post(head, "running")

    with refused(400, "Cannot transition status via :enqueue from :running"):
        post(head, "pending")


@pytest.mark.rule("status-updates-open-row")
def test_open_row_of_the_same_name_ref_and_user_is_updated(head: ProjectCommit) -> None:
    first = post(head, "running")

    second = post(head, "success", description="done")

    assert second.id == first.id
    assert [(one.status, one.description) for one in head.statuses.list(get_all=True)] == [("success", "done")]


@pytest.mark.rule("status-final-new-row")
def test_finished_row_is_replaced_by_a_new_one(head: ProjectCommit) -> None:
    first = post(head, "success")

    second = post(head, "success")

    assert second.id != first.id
    assert [one.id for one in head.statuses.list(get_all=True)] == [second.id]
    assert {one.id for one in head.statuses.list(all=True, get_all=True)} == {first.id, second.id}


@pytest.mark.rule("status-other-user-new-row")
def test_another_users_row_is_not_updated(forge: Forge, project: Project, head: ProjectCommit) -> None:
    first = post(head, "running")
    other = forge.person(project, 40).of(project).commits.get(head.id)

    second = post(other, "success")

    assert second.id != first.id


@pytest.mark.rule("status-external-pipeline")
def test_status_without_a_pipeline_creates_an_external_one(project: Project, head: ProjectCommit) -> None:
    made = post(head, "running")

    pipelines = project.pipelines.list(sha=head.id, get_all=True)
    assert [(one.source, one.status, one.id) for one in pipelines] == [("external", "running", made.pipeline_id)]


@pytest.mark.rule("status-joins-newest-pipeline", "status-reopens-pipeline")
def test_status_joins_the_real_pipeline_and_reopens_it(project: Project) -> None:
    sha = commit(project, "main", CI, "with CI")
    real = eventually(lambda: next(iter(project.pipelines.list(sha=sha, status="success", get_all=True)), None))
    head = project.commits.get(sha)

    made = post(head, "running")

    assert made.pipeline_id == real.id
    assert project.pipelines.get(real.id).status == "running"
    post(head, "success")
    assert project.pipelines.get(real.id).status == "success"
    assert len(project.pipelines.list(sha=sha, get_all=True)) == 1


@pytest.mark.rule("status-other-ref-other-pipeline")
def test_ref_that_has_no_pipeline_gets_an_external_one(project: Project) -> None:
    sha = commit(project, "main", CI, "with CI")
    project.tags.create({"tag_name": "plain", "ref": sha})
    head = project.commits.get(sha)

    made = head.statuses.create({"state": "success", "name": "sluice/dev", "ref": "elsewhere"})

    assert project.pipelines.get(made.pipeline_id).source == "external"


@pytest.mark.rule("status-pipeline-id-404")
def test_wrong_pipeline_id_is_not_found(head: ProjectCommit) -> None:
    with refused(404, "404 Pipeline for pipeline_id, sha and ref Not Found"):
        post(head, "success", pipeline_id=99999)


@pytest.mark.rule("status-commit-404")
def test_unknown_commit_has_no_status(forge: Forge, project: Project) -> None:
    path = f"/projects/{project.id}/statuses/0123456789012345678901234567890123456789"

    with refused(404, "404 Commit Not Found"):
        forge.admin.http_post(path, post_data={"state": "success"})


@pytest.mark.rule("status-default-ref")
def test_ref_defaults_to_the_first_branch_with_the_commit(project: Project, head: ProjectCommit) -> None:
    project.branches.create({"branch": "also", "ref": "main"})

    made = head.statuses.create({"state": "success", "name": "sluice/dev"})

    assert made.ref == "also"


@pytest.mark.rule("status-default-name")
def test_name_defaults_to_default_and_context_is_its_other_word(head: ProjectCommit) -> None:
    assert head.statuses.create({"state": "success", "ref": "main"}).name == "default"
    assert head.statuses.create({"state": "success", "ref": "main", "context": "mine"}).name == "mine"


@pytest.mark.rule("status-description-with-state")
def test_description_does_not_change_without_a_change_of_state(head: ProjectCommit) -> None:
    post(head, "running", description="first")

    with refused(400):
        post(head, "running", description="second")

    assert head.statuses.list(get_all=True)[0].description == "first"


@pytest.mark.rule("status-state-400")
def test_unknown_or_missing_state_is_a_bad_request(forge: Forge, project: Project, head: ProjectCommit) -> None:
    path = f"/projects/{project.id}/statuses/{head.id}"

    with refused(400, "state does not have a valid value"):
        forge.admin.http_post(path, post_data={"state": "done"})
    with refused(400, "state is missing"):
        forge.admin.http_post(path, post_data={"name": "x"})


@pytest.mark.rule("status-developer-403")
def test_reporter_cannot_write_statuses(forge: Forge, project: Project, head: ProjectCommit) -> None:
    reporter = forge.person(project, REPORTER)

    with refused(403):
        post(reporter.of(project).commits.get(head.id), "success")


@pytest.mark.rule("status-protected-ref-403")
def test_developer_cannot_write_statuses_of_a_protected_branch(
    forge: Forge, project: Project, head: ProjectCommit
) -> None:
    developer = forge.person(project, DEVELOPER)
    commit(project, "free", {"x": "y"}, "x", start_branch="main")
    free = developer.of(project).commits.get(project.branches.get("free").commit["id"])

    with refused(403):
        post(developer.of(project).commits.get(head.id), "success")

    assert free.statuses.create({"state": "success", "name": "mine", "ref": "free"}).status == "success"


@pytest.mark.rule("status-lock-409")
def test_status_write_is_refused_while_another_holds_the_lock(
    sandbox: SandboxThread, project: Project, head: ProjectCommit
) -> None:
    sandbox.do(lambda: sandbox.lab.faults.add("409-lock", times=1, path="/statuses/"))

    with refused(409, "another update of this commit is in progress"):
        post(head, "running")
    assert post(head, "running").status == "running"


@pytest.mark.rule("pipeline-rollup")
@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("success", "success"), "success"),
        (("success", "failed"), "failed"),
        (("success", "pending"), "running"),
        (("pending", "pending"), "pending"),
        (("failed", "running"), "running"),
        (("success", "canceled"), "canceled"),
        (("success", "skipped"), "success"),
    ],
)
def test_pipeline_rolls_up_its_statuses(
    project: Project, head: ProjectCommit, states: tuple[str, str], expected: str
) -> None:
    for number, state in enumerate(states):
        made = head.statuses.create({"state": state, "name": f"job-{number}", "ref": "main"})

    assert project.pipelines.get(made.pipeline_id).status == expected
