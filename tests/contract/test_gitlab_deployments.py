"""Environments, deployments, freeze periods and releases."""

import pytest
from contract.forge import DEVELOPER, REPORTER, Forge, commit, open_merge_request, refused, settled
from gitlab.v4.objects import Project


def deploy(project: Project, sha: str, status: str = "running", environment: str = "staging") -> object:
    wanted = {"environment": environment, "sha": sha, "ref": "main", "tag": False, "status": status}
    return project.deployments.create(wanted)


@pytest.mark.rule("environment-twice-400")
def test_environment_cannot_be_created_twice(project: Project) -> None:
    made = project.environments.create({"name": "production", "external_url": "https://shop.example.com"})

    assert (made.slug, made.tier, made.state) == ("production", "production", "available")
    with refused(400, "has already been taken"):
        project.environments.create({"name": "production"})


@pytest.mark.rule("environment-flux-fields")
def test_environment_keeps_its_flux_fields(project: Project) -> None:
    fields = {"kubernetes_namespace": "shop", "flux_resource_path": "kustomize/shop", "tier": "staging"}
    made = project.environments.create({"name": "stage", **fields})

    made.external_url = "https://stage.example.com"
    made.save()

    found = project.environments.get(made.id)
    assert (found.kubernetes_namespace, found.flux_resource_path, found.tier) == ("shop", "kustomize/shop", "staging")
    assert found.external_url == "https://stage.example.com"


@pytest.mark.rule("environment-stop-before-delete")
def test_environment_is_stopped_before_it_is_deleted(project: Project) -> None:
    made = project.environments.create({"name": "review"})

    with refused(403):
        made.delete()
    made.stop()
    assert project.environments.get(made.id).state == "stopped"
    made.delete()

    assert project.environments.list(get_all=True) == []


@pytest.mark.rule("environment-search-400")
def test_environment_search_needs_three_characters(project: Project) -> None:
    with refused(400):
        project.environments.list(search="pr", get_all=True)


@pytest.mark.rule("deployment-life")
def test_deployment_runs_then_succeeds_and_makes_its_environment(project: Project) -> None:
    sha = project.branches.get("main").commit["id"]
    made = project.deployments.create(
        {"environment": "staging", "sha": sha, "ref": "main", "tag": False, "status": "running"}
    )

    made.status = "success"
    made.save()

    assert [one.name for one in project.environments.list(get_all=True)] == ["staging"]
    found = project.deployments.list(environment="staging", status="success", get_all=True)
    assert [(one.id, one.sha, one.environment["name"]) for one in found] == [(made.id, sha, "staging")]


@pytest.mark.rule("deployment-transition-400")
def test_deployment_cannot_take_the_same_state_or_run_again(project: Project) -> None:
    sha = project.branches.get("main").commit["id"]
    made = project.deployments.create(
        {"environment": "staging", "sha": sha, "ref": "main", "tag": False, "status": "success"}
    )

    for status in ("success", "running"):
        made.status = status
        with refused(400):
            made.save()


@pytest.mark.rule("deployment-sha-400")
def test_deployment_of_an_unknown_commit_is_refused(project: Project) -> None:
    with refused(400, "The commit does not exist"):
        deploy(project, "0123456789012345678901234567890123456789")


@pytest.mark.rule("deployment-rights-403")
def test_reporter_cannot_deploy(forge: Forge, project: Project) -> None:
    sha = project.branches.get("main").commit["id"]

    with refused(403):
        deploy(forge.person(project, REPORTER).of(project), sha)


@pytest.mark.rule("deployment-order")
def test_deployments_come_oldest_first_and_updated_filter_needs_its_order(project: Project) -> None:
    first = project.branches.get("main").commit["id"]
    second = commit(project, "main", {"x.txt": "x\n"}, "x")
    deploy(project, first, "success")
    deploy(project, second, "success")

    assert [one.sha for one in project.deployments.list(get_all=True)] == [first, second]
    assert [one.sha for one in project.deployments.list(get_all=True, sort="desc")] == [second, first]
    with refused(400, "requires `updated_at` sort"):
        project.deployments.list(updated_after="2020-01-01T00:00:00Z", get_all=True)


@pytest.mark.rule("deployment-merge-requests")
def test_deployment_lists_the_merge_requests_it_brought(project: Project) -> None:
    deploy(project, project.branches.get("main").commit["id"], "success")
    mr = settled(project, open_merge_request(project).iid)
    merged = mr.merge()
    made = project.deployments.create(
        {"environment": "staging", "sha": merged["merge_commit_sha"], "ref": "main", "tag": False, "status": "success"}
    )

    assert [one.iid for one in project.deployments.get(made.id).mergerequests.list(get_all=True)] == [mr.iid]


@pytest.mark.rule("freeze-maintainer")
def test_freeze_periods_are_read_by_reporters_and_written_by_maintainers(forge: Forge, project: Project) -> None:
    wanted = {"freeze_start": "0 23 * * 5", "freeze_end": "0 7 * * 1", "cron_timezone": "Europe/Berlin"}
    path = f"/projects/{project.id}/freeze_periods"
    made = forge.admin.http_post(path, post_data=wanted)
    reporter, developer = forge.person(project, REPORTER), forge.person(project, DEVELOPER)

    listed = reporter.client.http_list(path, get_all=True)

    assert isinstance(made, dict)
    assert [one["id"] for one in listed] == [made["id"]]
    assert made["freeze_start"] == "0 23 * * 5"
    with refused(403):
        developer.client.http_post(path, post_data=wanted)
    with refused(400):
        forge.admin.http_post(path, post_data={**wanted, "freeze_start": "friday"})


@pytest.mark.rule("release-of-tag")
def test_release_belongs_to_a_tag(project: Project) -> None:
    project.tags.create({"tag_name": "v1.0.0", "ref": "main"})

    project.releases.create({"tag_name": "v1.0.0", "description": "first"})

    assert [one.tag_name for one in project.releases.list(get_all=True)] == ["v1.0.0"]
    assert project.tags.get("v1.0.0").release["description"] == "first"
    with refused(409, "Release already exists"):
        project.releases.create({"tag_name": "v1.0.0", "description": "again"})
