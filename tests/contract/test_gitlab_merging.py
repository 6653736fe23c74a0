"""Merges are real ones, and each refusal has GitLab's own status."""

import pytest
from contract.forge import DEVELOPER, Forge, SandboxThread, commit, eventually, open_merge_request, refused, settled
from gitlab.v4.objects import Project

CI = {".gitlab-ci.yml": "test:\n  script: [true]\n"}


@pytest.mark.rule("merge-commit")
def test_merge_makes_a_commit_whose_parents_are_target_and_head(project: Project) -> None:
    target = project.branches.get("main").commit["id"]
    mr = settled(project, open_merge_request(project).iid)

    merged = mr.merge(sha=mr.sha)

    made = project.commits.get(merged["merge_commit_sha"])
    assert made.parent_ids == [target, mr.sha]
    assert made.message.startswith("Merge branch 'feature' into 'main'")
    assert project.branches.get("main").commit["id"] == made.id
    assert merged["state"] == "merged"
    assert project.files.raw("feature.txt", ref="main") == b"new\n"


@pytest.mark.rule("merge-ff-no-commit")
def test_fast_forward_merge_has_no_merge_commit(forge: Forge) -> None:
    project = forge.project(merge_method="ff")
    mr = settled(project, open_merge_request(project).iid)

    merged = mr.merge()

    assert merged["merge_commit_sha"] is None
    assert project.branches.get("main").commit["id"] == mr.sha


@pytest.mark.rule("merge-squash-sha")
def test_squash_merge_tells_its_squash_commit(project: Project) -> None:
    mr = open_merge_request(project, squash=True)
    commit(project, "feature", {"second.txt": "2\n"}, "second")
    mr = settled(project, mr.iid)

    merged = mr.merge()

    squashed = project.commits.get(merged["squash_commit_sha"])
    assert squashed.title == "Merge feature"
    assert {one["new_path"] for one in squashed.diff(get_all=True)} == {"feature.txt", "second.txt"}
    assert mr.sha not in {one.id for one in project.commits.list(get_all=True)}


@pytest.mark.rule("merge-sha-409")
def test_merge_of_another_head_is_refused(project: Project) -> None:
    mr = settled(project, open_merge_request(project).iid)

    with refused(409, f"SHA does not match HEAD of source branch: {mr.sha}"):
        mr.merge(sha="0123456789012345678901234567890123456789")


@pytest.mark.rule("merge-preparing-405")
def test_merge_right_after_creation_is_not_allowed(sandbox: SandboxThread, forge: Forge) -> None:
    project = forge.project()
    sandbox.do(lambda: setattr(sandbox.lab.timings, "prepare", 30.0))

    with refused(405, "405 Method Not Allowed"):
        open_merge_request(project).merge()


@pytest.mark.rule("merge-unchecked-422")
def test_merge_before_the_check_ended_is_refused(sandbox: SandboxThread, forge: Forge) -> None:
    project = forge.project()
    sandbox.do(lambda: setattr(sandbox.lab.timings, "check", 30.0))
    mr = settled(project, open_merge_request(project).iid, "unchecked")

    with refused(422, "Branch cannot be merged"):
        mr.merge()


@pytest.mark.rule("merge-again-405")
def test_merged_merge_request_cannot_be_merged_again(project: Project) -> None:
    mr = settled(project, open_merge_request(project).iid)
    mr.merge()

    with refused(405):
        mr.merge()


@pytest.mark.rule("merge-draft-405")
def test_draft_cannot_be_merged(project: Project) -> None:
    mr = settled(project, open_merge_request(project, title="Draft: no").iid, "draft_status")

    with refused(405):
        mr.merge()


@pytest.mark.rule("merge-rights-401")
def test_developer_cannot_merge_into_a_branch_for_maintainers(forge: Forge, project: Project) -> None:
    mr = settled(project, open_merge_request(project).iid)
    developer = forge.person(project, DEVELOPER)
    seen = developer.of(project).mergerequests.get(mr.iid)

    assert seen.user["can_merge"] is False
    with refused(401):
        seen.merge()


@pytest.mark.rule("merge-conflict-422")
def test_conflicting_merge_request_cannot_be_merged(project: Project) -> None:
    mr = open_merge_request(project, files={"README.md": "theirs\n"})
    commit(project, "main", {"README.md": "ours\n"}, "ours")

    mr = settled(project, mr.iid, "conflict")

    assert mr.has_conflicts is True
    with refused(422, "Branch cannot be merged"):
        mr.merge()


@pytest.mark.rule("merge-need-rebase-422", "rebase-202")
def test_fast_forward_needs_a_rebase_first(forge: Forge) -> None:
    project = forge.project(merge_method="ff")
    mr = open_merge_request(project)
    main = commit(project, "main", {"elsewhere.txt": "x\n"}, "main goes on")
    mr = settled(project, mr.iid, "need_rebase")
    with refused(422):
        mr.merge()

    mr.rebase()
    mr = settled(project, mr.iid)

    assert project.commits.get(mr.sha).parent_ids == [main]
    assert mr.merge()["state"] == "merged"


@pytest.mark.rule("rebase-conflict-told")
def test_conflicting_rebase_is_told_in_merge_error(project: Project) -> None:
    mr = open_merge_request(project, files={"README.md": "theirs\n"})
    commit(project, "main", {"README.md": "ours\n"}, "ours")

    mr.rebase()

    assert eventually(lambda: project.mergerequests.get(mr.iid).merge_error).startswith("Rebase failed")
    assert project.mergerequests.get(mr.iid).sha == mr.sha


@pytest.mark.rule("merge-ci-405")
def test_red_pipeline_blocks_the_merge(sandbox: SandboxThread, forge: Forge) -> None:
    project = forge.project(only_allow_merge_if_pipeline_succeeds=True)
    sandbox.do(lambda: setattr(sandbox.lab.timings, "pipeline", 0.3))
    mr = open_merge_request(project, files=CI)
    sandbox.do(lambda: sandbox.lab.set_pipeline_result(mr.sha, "running"))
    mr = settled(project, mr.iid, "ci_still_running")
    with refused(405):
        mr.merge()

    sandbox.do(lambda: sandbox.lab.set_pipeline_result(mr.sha, "failed"))
    mr = settled(project, mr.iid, "ci_must_pass")
    with refused(405):
        mr.merge()
    sandbox.do(lambda: sandbox.lab.set_pipeline_result(mr.sha, "success"))

    assert settled(project, mr.iid).merge(sha=mr.sha)["state"] == "merged"


@pytest.mark.rule("merge-ci-none-405")
def test_no_pipeline_blocks_where_pipelines_must_succeed(forge: Forge) -> None:
    project = forge.project(only_allow_merge_if_pipeline_succeeds=True)

    mr = settled(project, open_merge_request(project).iid, "ci_must_pass")

    with refused(405):
        mr.merge()


@pytest.mark.rule("merge-status-gates")
def test_commit_status_on_the_head_gates_the_merge(forge: Forge) -> None:
    project = forge.project(only_allow_merge_if_pipeline_succeeds=True)
    mr = open_merge_request(project)
    head = project.commits.get(mr.sha)

    head.statuses.create({"state": "failed", "name": "sluice/gates", "ref": "feature"})
    settled(project, mr.iid, "ci_must_pass")
    head.statuses.create({"state": "success", "name": "sluice/gates", "ref": "feature"})

    assert settled(project, mr.iid).merge()["state"] == "merged"


@pytest.mark.rule("merge-discussions-405")
def test_open_discussion_blocks_where_all_must_be_resolved(forge: Forge) -> None:
    project = forge.project(only_allow_merge_if_all_discussions_are_resolved=True)
    mr = open_merge_request(project)
    thread = mr.discussions.create({"body": "why?"})
    settled(project, mr.iid, "discussions_not_resolved")

    with refused(405):
        mr.merge()
    thread.resolved = True
    thread.save()

    assert settled(project, mr.iid).merge()["state"] == "merged"


@pytest.mark.rule("merge-removes-source")
def test_source_branch_is_removed_on_request_but_never_a_protected_one(project: Project) -> None:
    first = settled(project, open_merge_request(project, "gone").iid)
    kept = open_merge_request(project, "kept")
    project.protectedbranches.create({"name": "kept"})

    first.merge(should_remove_source_branch=True)
    settled(project, kept.iid).merge(should_remove_source_branch=True)

    assert {one.name for one in project.branches.list(get_all=True)} == {"main", "kept"}


@pytest.mark.rule("mr-target-moves-recheck")
def test_moved_target_makes_a_new_check(project: Project) -> None:
    first = open_merge_request(project, "first", files={"README.md": "first\n"})
    second = open_merge_request(project, "second", files={"README.md": "second\n"})
    settled(project, second.iid)

    settled(project, first.iid).merge()

    assert settled(project, second.iid, "conflict").has_conflicts is True


@pytest.mark.rule("merge-auto")
def test_auto_merge_waits_for_the_pipeline(sandbox: SandboxThread, forge: Forge) -> None:
    project = forge.project(only_allow_merge_if_pipeline_succeeds=True)
    sandbox.do(lambda: setattr(sandbox.lab.timings, "pipeline", 0.3))
    mr = open_merge_request(project, files=CI)
    sandbox.do(lambda: sandbox.lab.set_pipeline_result(mr.sha, "running"))
    mr = settled(project, mr.iid, "ci_still_running")

    armed = mr.merge(auto_merge=True)
    assert (armed["state"], armed["merge_when_pipeline_succeeds"]) == ("opened", True)
    sandbox.do(lambda: sandbox.lab.set_pipeline_result(mr.sha, "success"))

    assert eventually(lambda: project.mergerequests.get(mr.iid).state == "merged")
