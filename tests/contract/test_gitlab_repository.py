"""Commits, branches, tags and files over the API."""

from collections.abc import Mapping

import pytest
from contract.forge import DEVELOPER, Forge, commit, eventually, open_merge_request, refused
from gitlab.v4.objects import Project

CI = "test:\n  script: [true]\n"


@pytest.mark.rule("commit-actions")
def test_one_commit_creates_updates_moves_deletes_and_marks_executable(project: Project) -> None:
    commit(project, "main", {"old.txt": "o\n", "gone.txt": "g\n", "run.sh": "#!/bin/sh\n"}, "files")
    actions = [
        {"action": "create", "file_path": "new/deep.txt", "content": "bmV3Cg==", "encoding": "base64"},
        {"action": "update", "file_path": "README.md", "content": "changed\n"},
        {"action": "move", "file_path": "moved.txt", "previous_path": "old.txt"},
        {"action": "delete", "file_path": "gone.txt"},
        {"action": "chmod", "file_path": "run.sh", "execute_filemode": True},
    ]

    made = project.commits.create({"branch": "main", "commit_message": "all", "actions": actions})

    tree = {one["path"]: one["mode"] for one in project.repository_tree(ref=made.id, recursive=True, get_all=True)}
    assert {"README.md", "moved.txt", "new", "new/deep.txt", "run.sh"} == tree.keys()
    assert tree["run.sh"] == "100755"
    assert project.files.get("run.sh", ref="main").execute_filemode is True
    assert project.files.get("moved.txt", ref="main").decode() == b"o\n"
    assert project.files.get("new/deep.txt", ref=made.id).decode() == b"new\n"


@pytest.mark.rule("commit-file-existence-400")
def test_create_of_an_existing_and_update_of_a_missing_file_are_refused(project: Project) -> None:
    with refused(400, "A file with this name already exists"):
        _act(project, {"action": "create", "file_path": "README.md", "content": "x"})
    with refused(400, "A file with this name doesn't exist"):
        _act(project, {"action": "update", "file_path": "missing.md", "content": "x"})


@pytest.mark.rule("commit-last-commit-id-400")
def test_stale_last_commit_id_refuses_the_write(project: Project) -> None:
    first = project.commits.list(get_all=False)[0].id
    fresh = {"action": "update", "file_path": "README.md", "content": "two\n", "last_commit_id": first}
    _act(project, fresh)

    with refused(400, "has changed since you started editing it"):
        _act(project, {**fresh, "content": "three\n"})


@pytest.mark.rule("commit-start-branch")
def test_new_branch_needs_a_start_and_an_existing_one_refuses_it(project: Project) -> None:
    action = {"action": "create", "file_path": "x.txt", "content": "x"}

    with refused(400, "You can only create or edit files when you are on a branch"):
        _act(project, action, branch="fresh")
    _act(project, action, branch="fresh", start_branch="main")
    with refused(400, "already exists"):
        _act(project, action, branch="fresh", start_branch="main")


@pytest.mark.rule("commit-start-branch")
def test_force_builds_the_branch_anew_from_its_start(project: Project) -> None:
    action = {"action": "create", "file_path": "x.txt", "content": "x"}
    _act(project, action, branch="fresh", start_branch="main")

    again = _act(project, action, branch="fresh", start_branch="main", force=True)

    assert project.branches.get("fresh").commit["id"] == again
    assert project.commits.get(again).parent_ids == [project.branches.get("main").commit["id"]]


@pytest.mark.rule("commit-protected-403")
def test_developer_cannot_commit_to_a_protected_branch(forge: Forge, project: Project) -> None:
    developer = forge.person(project, DEVELOPER)

    with refused(403, "You are not allowed to push into this branch"):
        _act(developer.of(project), {"action": "update", "file_path": "README.md", "content": "x"})


@pytest.mark.rule("commit-last-pipeline")
def test_commit_tells_its_last_pipeline(project: Project) -> None:
    plain = project.commits.list(get_all=False)[0]
    sha = commit(project, "main", {".gitlab-ci.yml": CI}, "with CI")

    assert project.commits.get(plain.id).last_pipeline is None
    told = eventually(lambda: project.commits.get(sha).last_pipeline)
    assert told["sha"] == sha
    assert told["source"] == "push"


@pytest.mark.rule("commit-unknown-404")
def test_unknown_commit_is_not_found(project: Project) -> None:
    with refused(404, "404 Commit Not Found"):
        project.commits.get("0123456789012345678901234567890123456789")


@pytest.mark.rule("commit-refs-and-merge-requests")
def test_commit_knows_its_refs_and_merge_requests(project: Project) -> None:
    mr = open_merge_request(project)
    project.tags.create({"tag_name": "v1", "ref": "feature"})
    found = project.commits.get(mr.sha)

    assert {(one["type"], one["name"]) for one in found.refs(get_all=True)} == {("branch", "feature"), ("tag", "v1")}
    assert [one["iid"] for one in found.merge_requests(get_all=True)] == [mr.iid]


@pytest.mark.rule("compare-from-merge-base")
def test_compare_lists_commits_oldest_first_and_diffs_from_the_merge_base(project: Project) -> None:
    commit(project, "side", {"a.txt": "1\n"}, "one", start_branch="main")
    commit(project, "side", {"b.txt": "2\n"}, "two")
    commit(project, "main", {"elsewhere.txt": "3\n"}, "main goes on")

    compared = project.repository_compare("main", "side")

    assert isinstance(compared, dict)
    assert [one["title"] for one in compared["commits"]] == ["one", "two"]
    assert {one["new_path"] for one in compared["diffs"]} == {"a.txt", "b.txt"}


@pytest.mark.rule("branch-twice-400")
def test_branch_cannot_be_created_twice_or_from_nothing(project: Project) -> None:
    project.branches.create({"branch": "x", "ref": "main"})

    with refused(400, "Branch already exists"):
        project.branches.create({"branch": "x", "ref": "main"})
    with refused(400, "Invalid reference name"):
        project.branches.create({"branch": "y", "ref": "nowhere"})


@pytest.mark.rule("branch-delete-protected-403")
def test_protected_branch_cannot_be_deleted(project: Project) -> None:
    project.branches.create({"branch": "keep", "ref": "main"})
    project.protectedbranches.create({"name": "keep"})

    with refused(403):
        project.branches.delete("keep")
    with refused(403):
        project.branches.delete("main")


@pytest.mark.rule("branch-protection-default")
def test_default_branch_is_protected_for_maintainers(project: Project) -> None:
    rule = project.protectedbranches.get("main")

    assert [one["access_level"] for one in rule.push_access_levels] == [40]
    assert [one["access_level"] for one in rule.merge_access_levels] == [40]
    assert rule.allow_force_push is False


@pytest.mark.rule("tag-twice-400")
def test_tag_cannot_be_created_twice(project: Project) -> None:
    project.tags.create({"tag_name": "v1.0.0", "ref": "main"})

    with refused(400, "Tag v1.0.0 already exists"):
        project.tags.create({"tag_name": "v1.0.0", "ref": "main"})


@pytest.mark.rule("tag-annotated")
def test_tag_with_a_message_is_an_object_of_its_own(project: Project) -> None:
    head = project.branches.get("main").commit["id"]
    project.tags.create({"tag_name": "v2.0.0", "ref": "main", "message": "second"})

    tag = project.tags.get("v2.0.0")

    assert tag.message == "second"
    assert tag.commit["id"] == head
    assert tag.target != head


@pytest.mark.rule("file-raw")
def test_raw_file_is_sent_as_it_is(project: Project) -> None:
    assert project.files.raw("README.md", ref="main") == b"hello\n"
    with refused(404, "404 File Not Found"):
        project.files.raw("missing.md", ref="main")


@pytest.mark.rule("tree-missing-404")
def test_missing_folder_is_not_found(project: Project) -> None:
    with refused(404):
        project.repository_tree(path="nowhere", ref="main", get_all=True)


@pytest.mark.rule("page-headers", "page-most-100")
def test_lists_are_paged_with_headers_and_links(forge: Forge, project: Project) -> None:
    for number in range(3):
        project.branches.create({"branch": f"b{number}", "ref": "main"})
    path = f"/projects/{project.id}/repository/branches"

    first = forge.admin.http_request("get", path, query_data={"per_page": 2})
    last = forge.admin.http_request("get", path, query_data={"per_page": 2, "page": 2})
    wide = forge.admin.http_request("get", path, query_data={"per_page": 500})

    assert (first.headers["X-Total"], first.headers["X-Total-Pages"], first.headers["X-Next-Page"]) == ("4", "2", "2")
    assert 'rel="next"' in first.headers["Link"]
    assert last.headers["X-Next-Page"] == ""
    assert 'rel="next"' not in last.headers["Link"]
    assert wide.headers["X-Per-Page"] == "100"


def _act(project: Project, action: Mapping[str, object], branch: str = "main", **more: object) -> str:
    made = project.commits.create({"branch": branch, "commit_message": "act", "actions": [action], **more})
    return str(made.id)
