"""Merge requests: how they begin, what they tell, and how they end without a merge."""

from typing import Any

import pytest
from contract.forge import (
    DEVELOPER,
    REPORTER,
    Forge,
    SandboxThread,
    commit,
    eventually,
    open_merge_request,
    refused,
    settled,
)
from gitlab.v4.objects import Project, ProjectMergeRequest


@pytest.mark.rule("mr-duplicate-409")
def test_second_open_merge_request_of_the_same_branches_is_refused(project: Project) -> None:
    mr = open_merge_request(project)

    with refused(409, f"Another open merge request already exists for this source branch: !{mr.iid}"):
        project.mergerequests.create({"source_branch": "feature", "target_branch": "main", "title": "again"})


@pytest.mark.rule("mr-same-branch-422")
def test_source_and_target_must_differ(project: Project) -> None:
    with refused(422, "You can't use same project/branch for source and target"):
        project.mergerequests.create({"source_branch": "main", "target_branch": "main", "title": "self"})


@pytest.mark.rule("mr-branch-missing-400")
def test_missing_branch_is_told_under_its_name(project: Project) -> None:
    with refused(400, '"source_branch": ["does not exist"]'):
        project.mergerequests.create({"source_branch": "nowhere", "target_branch": "main", "title": "none"})


@pytest.mark.rule("mr-missing-parameter-400")
def test_missing_title_is_a_bad_request(forge: Forge, project: Project) -> None:
    commit(project, "feature", {"x": "y"}, "x", start_branch="main")

    with refused(400, "title is missing"):
        forge.admin.http_post(
            f"/projects/{project.id}/merge_requests", post_data={"source_branch": "feature", "target_branch": "main"}
        )


@pytest.mark.rule("mr-unknown-404")
def test_unknown_merge_request_is_not_found(project: Project) -> None:
    with refused(404):
        project.mergerequests.get(4711)


@pytest.mark.rule("mr-reporter-no-create-403")
def test_reporter_cannot_open_a_merge_request(forge: Forge, project: Project) -> None:
    commit(project, "feature", {"x": "y"}, "x", start_branch="main")
    reporter = forge.person(project, REPORTER)

    with refused(403):
        reporter.of(project).mergerequests.create(
            {"source_branch": "feature", "target_branch": "main", "title": "mine"}
        )


@pytest.mark.rule("mr-async-status")
def test_new_merge_request_is_prepared_and_checked_in_the_background(sandbox: SandboxThread, forge: Forge) -> None:
    project = forge.project()
    sandbox.do(lambda: _slow_down(sandbox))

    mr = open_merge_request(project)

    assert mr.detailed_merge_status == "preparing"
    assert mr.prepared_at is None
    seen = ["preparing"]
    eventually(lambda: _note_status(project, mr.iid, seen) == "mergeable")
    assert seen == ["preparing", "unchecked", "checking", "mergeable"]
    assert project.mergerequests.get(mr.iid).prepared_at is not None


@pytest.mark.rule("mr-draft-by-title")
def test_draft_is_a_title_prefix(project: Project) -> None:
    mr = open_merge_request(project, title="Draft: not yet")

    assert mr.draft is True
    assert settled(project, mr.iid, "draft_status").draft is True
    mr.title = "ready"
    mr.save()
    assert settled(project, mr.iid).draft is False


@pytest.mark.rule("mr-labels")
def test_labels_come_as_a_comma_list_and_are_created(project: Project) -> None:
    mr = open_merge_request(project, labels="sluice,env::staging")

    mr.add_labels, mr.remove_labels = "held", "sluice"
    mr.save()

    assert project.mergerequests.get(mr.iid).labels == ["env::staging", "held"]
    assert {one.name for one in project.labels.list(get_all=True)} == {"env::staging", "held", "sluice"}


@pytest.mark.rule("mr-list-filters")
def test_list_filters_by_state_branches_labels_and_author(forge: Forge, project: Project) -> None:
    developer = forge.person(project, DEVELOPER)
    mine = open_merge_request(developer.of(project), "mine", labels="a,b")
    closed = open_merge_request(project, "closed")
    closed.state_event = "close"
    closed.save()

    def found(**filters: Any) -> list[int]:
        return [one.iid for one in project.mergerequests.list(get_all=True, **filters)]

    assert found(state="opened") == [mine.iid]
    assert found(state="closed", source_branch="closed") == [closed.iid]
    assert found(labels="a,b") == [mine.iid]
    assert found(labels="a,c") == []
    assert found(author_username=developer.username) == [mine.iid]
    assert found(source_branch="mine", target_branch="other") == []
    assert found(order_by="updated_at", sort="asc") == [mine.iid, closed.iid]


@pytest.mark.rule("mr-close-reopen")
def test_closed_merge_request_opens_again_unless_its_place_is_taken(project: Project) -> None:
    mr = open_merge_request(project)
    mr.state_event = "close"
    mr.save()
    assert project.mergerequests.get(mr.iid).detailed_merge_status == "not_open"
    second = project.mergerequests.create({"source_branch": "feature", "target_branch": "main", "title": "second"})

    mr.state_event = "reopen"
    with refused(409, f"!{second.iid}"):
        mr.save()
    second.state_event = "close"
    second.save()
    mr.state_event = "reopen"
    mr.save()

    assert project.mergerequests.get(mr.iid).state == "opened"


@pytest.mark.rule("mr-single-view")
def test_single_view_tells_head_pipeline_diff_refs_and_divergence(project: Project) -> None:
    base = project.branches.get("main").commit["id"]
    mr = open_merge_request(project)
    commit(project, "main", {"elsewhere.txt": "x\n"}, "main goes on")

    found = project.mergerequests.get(mr.iid, include_diverged_commits_count=True)

    assert found.diff_refs["base_sha"] == base
    assert found.diff_refs["head_sha"] == found.sha
    assert found.diverged_commits_count == 1
    assert found.head_pipeline is None
    assert found.changes_count == "1"
    assert [one.title for one in found.commits()] == ["Change feature"]
    assert [one["new_path"] for one in _changes(found)] == ["feature.txt"]


@pytest.mark.rule("approve-free")
def test_approval_counts_once_and_can_be_taken_back(forge: Forge, project: Project) -> None:
    developer = forge.person(project, DEVELOPER)
    mr = developer.of(project).mergerequests.get(open_merge_request(project).iid)

    mr.approve()

    assert [one["user"]["id"] for one in mr.approvals.get().approved_by] == [developer.id]
    with refused(401):
        mr.approve()
    mr.unapprove()
    assert mr.approvals.get().approved_by == []
    with refused(404):
        mr.unapprove()


@pytest.mark.rule("approve-sha-409")
def test_approval_of_another_head_is_refused(project: Project) -> None:
    mr = open_merge_request(project)

    with refused(409, f"SHA does not match HEAD of source branch: {mr.sha}"):
        mr.approve(sha="0123456789012345678901234567890123456789")


@pytest.mark.rule("approve-free-says-approved")
def test_free_calls_a_merge_request_approved_before_anyone_approved(sandbox: SandboxThread, forge: Forge) -> None:
    told = open_merge_request(forge.project()).approvals.get()

    assert (told.approved, told.approvals_required, told.approved_by) == (True, 0, [])


@pytest.mark.rule("approve-free-survives-push")
def test_free_approval_survives_a_push(project: Project) -> None:
    mr = open_merge_request(project)
    mr.approve()

    commit(project, "feature", {"more.txt": "x\n"}, "more")

    assert len(mr.approvals.get().approved_by) == 1


@pytest.mark.rule("approve-paid-required-405")
def test_paid_merge_waits_for_the_needed_approval(paid_forge: Forge) -> None:
    project = paid_forge.project(approvals_before_merge=1)
    mr = open_merge_request(project)
    settled(project, mr.iid, "not_approved")
    reviewer = paid_forge.person(project, DEVELOPER)

    with refused(405):
        mr.merge()
    reviewer.of(project).mergerequests.get(mr.iid).approve()

    assert settled(project, mr.iid).merge()["state"] == "merged"


@pytest.mark.rule("approve-paid-author-401")
def test_paid_author_cannot_approve_his_own(paid_forge: Forge) -> None:
    project = paid_forge.project(approvals_before_merge=1)

    with refused(401):
        open_merge_request(project).approve()


@pytest.mark.rule("approve-paid-reset-on-push")
def test_paid_push_takes_approvals_away(paid_forge: Forge) -> None:
    project = paid_forge.project(approvals_before_merge=1)
    mr = open_merge_request(project)
    reviewer = paid_forge.person(project, DEVELOPER)
    reviewer.of(project).mergerequests.get(mr.iid).approve()

    commit(project, "feature", {"more.txt": "x\n"}, "more")

    assert mr.approvals.get().approved_by == []


def _slow_down(sandbox: SandboxThread) -> None:
    sandbox.lab.timings.prepare = 0.3
    sandbox.lab.timings.check = 0.3


def _note_status(project: Project, iid: int, seen: list[str]) -> str:
    status = str(project.mergerequests.get(iid).detailed_merge_status)
    if seen[-1] != status:
        seen.append(status)
    return status


def _changes(mr: ProjectMergeRequest) -> list[dict[str, Any]]:
    told = mr.changes()
    assert isinstance(told, dict)
    return list(told["changes"])
