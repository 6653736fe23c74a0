"""Protected branches: who may push and merge, and how GitLab says so beforehand."""

from pathlib import Path
from typing import Any

import pytest
from contract.clones import Clone
from contract.forge import DEVELOPER, MAINTAINER, REPORTER, Forge, commit, open_merge_request, refused, settled
from gitlab.v4.objects import Project


def protect(project: Project, push: int, merge: int) -> None:
    """Main is protected anew with these lowest levels."""
    project.protectedbranches.delete("main")
    project.protectedbranches.create({"name": "main", "push_access_level": push, "merge_access_level": merge})


@pytest.mark.rule("branch-can-push")
@pytest.mark.parametrize(
    ("push", "developers", "developer", "maintainer"),
    [(40, False, False, True), (30, True, True, True), (0, False, False, False)],
)
def test_branch_tells_who_may_push(
    forge: Forge, project: Project, push: int, developers: bool, developer: bool, maintainer: bool
) -> None:
    protect(project, push, 40)

    def seen(level: int) -> bool:
        return bool(forge.person(project, level).of(project).branches.get("main").can_push)

    branch = project.branches.get("main")
    assert (branch.protected, branch.developers_can_push) == (True, developers)
    assert (seen(REPORTER), seen(DEVELOPER), seen(MAINTAINER)) == (False, developer, maintainer)


@pytest.mark.rule("branch-can-push")
def test_unprotected_branch_is_pushed_to_by_developers(forge: Forge, project: Project) -> None:
    project.protectedbranches.delete("main")
    branch = forge.person(project, DEVELOPER).of(project).branches.get("main")

    assert (branch.protected, branch.can_push) == (False, True)


@pytest.mark.rule("protected-branch-once-409")
def test_name_is_protected_once_and_by_maintainers(forge: Forge, project: Project) -> None:
    developer = forge.person(project, DEVELOPER).of(project)
    made = project.protectedbranches.create({"name": "release/*"})

    assert [one["access_level"] for one in made.push_access_levels] == [40]
    assert [one["access_level"] for one in made.merge_access_levels] == [40]
    assert {one.name for one in developer.protectedbranches.list(get_all=True)} == {"main", "release/*"}
    with refused(409, "already exists"):
        project.protectedbranches.create({"name": "release/*"})
    with refused(400, "push_access_level does not have a valid value"):
        project.protectedbranches.create({"name": "other", "push_access_level": 15})
    with refused(403):
        developer.protectedbranches.create({"name": "mine"})
    with refused(403):
        developer.protectedbranches.delete("release/*")
    with refused(403):
        forge.person(project, REPORTER).of(project).protectedbranches.list(get_all=True)


@pytest.mark.rule("protected-branch-named-users")
@pytest.mark.parametrize("edition", ["free", "paid"])
def test_single_user_may_push_only_where_it_is_paid_for(
    edition: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    forge: Forge = request.getfixturevalue("forge" if edition == "free" else "paid_forge")
    project = forge.project()
    named, other = forge.person(project, DEVELOPER), forge.person(project, DEVELOPER)
    project.protectedbranches.delete("main")
    project.protectedbranches.create({"name": "main", "allowed_to_push": [{"user_id": named.id}]})
    clone = Clone(tmp_path / "clone", forge, project, named.token).clone()
    clone.commit("main")

    pushed = clone.attempt("push", "origin", "main").returncode == 0

    assert pushed is (edition == "paid")
    assert named.of(project).branches.get("main").can_push is pushed
    assert other.of(project).branches.get("main").can_push is False


@pytest.mark.rule("protected-branch-nobody-pushes")
def test_push_level_0_leaves_merging_as_the_only_way(forge: Forge, project: Project, tmp_path: Path) -> None:
    maintainer = forge.person(project, MAINTAINER)
    protect(project, 0, 40)
    mr = settled(project, open_merge_request(project).iid)
    clone = Clone(tmp_path / "clone", forge, project, maintainer.token).clone()
    clone.commit("main")

    pushed = clone.attempt("push", "origin", "main")
    with refused(403, "You are not allowed to push into this branch"):
        commit(maintainer.of(project), "main", {"other.txt": "x\n"}, "over the API")
    maintainer.of(project).mergerequests.get(mr.iid).merge()

    assert "GitLab: You are not allowed to push code to protected branches on this project." in pushed.stderr
    assert project.mergerequests.get(mr.iid).state == "merged"


@pytest.mark.rule("mr-user-can-merge", "merge-rights-401")
def test_merge_request_tells_who_may_merge_it(forge: Forge, project: Project) -> None:
    protect(project, 0, 40)
    iid = settled(project, open_merge_request(project).iid).iid
    developer, maintainer = (forge.person(project, level).of(project) for level in (DEVELOPER, MAINTAINER))

    assert developer.mergerequests.get(iid).user == {"can_merge": False}
    assert maintainer.mergerequests.get(iid).user == {"can_merge": True}
    with refused(401):
        developer.mergerequests.get(iid).merge()


def compared(project: Project, branch: str) -> dict[str, Any]:
    """What a branch changes since it left main."""
    found = project.repository_compare("main", branch)
    assert isinstance(found, dict)
    return found


@pytest.mark.rule("compare-most-1000-files")
def test_comparison_names_files_and_says_when_it_left_some_out(forge: Forge, project: Project, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", forge, project, forge.admin_token).clone()
    clone.git("checkout", "-q", "-b", "few")
    clone.git("mv", "README.md", "READ.md")
    clone.git("commit", "-q", "-m", "Rename")
    clone.git("checkout", "-q", "-b", "many")
    for number in range(1_001):
        (clone.folder / f"{number}.txt").write_text(f"{number}\n")
    clone.git("add", ".")
    clone.git("commit", "-q", "-m", "Many")
    clone.git("push", "-q", "origin", "few", "many")

    few, many = compared(project, "few"), compared(project, "many")

    assert [(one["old_path"], one["new_path"]) for one in few["diffs"]] == [("README.md", "READ.md")]
    assert (few["compare_timeout"], many["compare_timeout"]) == (False, True)
    assert len(many["diffs"]) == 1_000
