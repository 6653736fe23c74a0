"""Git over HTTP, by the real git: sign-in, rights, and what GitLab does after a push."""

from pathlib import Path

import pytest
from contract.clones import Clone
from contract.forge import (
    DEVELOPER,
    MAINTAINER,
    REPORTER,
    Forge,
    Listener,
    eventually,
    open_merge_request,
    settled,
)
from gitlab.v4.objects import Project


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.mark.rule("git-token-password")
def test_developer_pushes_a_branch_with_the_token_as_password(forge: Forge, project: Project, workplace: Path) -> None:
    developer = forge.person(project, DEVELOPER)
    clone = Clone(workplace, forge, project, developer.token).clone()

    sha = clone.commit("feature")
    clone.git("push", "-q", "origin", "feature")

    assert project.branches.get("feature").commit["id"] == sha


@pytest.mark.rule("git-unknown-token-401")
def test_unknown_token_is_denied(forge: Forge, project: Project, workplace: Path) -> None:
    workplace.mkdir()
    clone = Clone(workplace, forge, project, "glpat-wrong")

    done = clone.attempt("ls-remote", clone.url)

    assert done.returncode != 0
    assert "Access denied" in done.stderr


@pytest.mark.rule("git-private-404")
def test_private_repository_does_not_exist_for_strangers(forge: Forge, project: Project, workplace: Path) -> None:
    workplace.mkdir()
    clone = Clone(workplace, forge, project, forge.person().token)

    done = clone.attempt("ls-remote", clone.url)

    assert done.returncode != 0
    assert "could not be found" in done.stderr


@pytest.mark.rule("git-reporter-no-push-403")
def test_reporter_reads_but_cannot_push(forge: Forge, project: Project, workplace: Path) -> None:
    clone = Clone(workplace, forge, project, forge.person(project, REPORTER).token).clone()
    clone.commit("feature")

    done = clone.attempt("push", "origin", "feature")

    assert done.returncode != 0
    assert "You are not allowed to push code to this project" in done.stderr


@pytest.mark.rule("git-scope-403")
def test_reading_scope_cannot_push(forge: Forge, project: Project, workplace: Path) -> None:
    person = forge.person(project, MAINTAINER, scopes=("read_repository",))
    clone = Clone(workplace, forge, project, person.token).clone()
    clone.commit("feature")

    assert clone.attempt("push", "origin", "feature").returncode != 0


@pytest.mark.rule("git-protected-push")
def test_protected_branch_refuses_a_developers_push(forge: Forge, project: Project, workplace: Path) -> None:
    clone = Clone(workplace, forge, project, forge.person(project, DEVELOPER).token).clone()
    before = project.branches.get("main").commit["id"]
    clone.commit("main")

    done = clone.attempt("push", "origin", "main")

    assert done.returncode != 0
    assert "GitLab: You are not allowed to push code to protected branches on this project." in done.stderr
    assert project.branches.get("main").commit["id"] == before


@pytest.mark.rule("git-protected-force")
def test_protected_branch_refuses_force_even_from_maintainers(forge: Forge, project: Project, workplace: Path) -> None:
    clone = Clone(workplace, forge, project, forge.person(project, MAINTAINER).token).clone()
    clone.git("commit", "-q", "--amend", "-m", "Rewritten")

    done = clone.attempt("push", "--force", "origin", "main")

    assert "You are not allowed to force push code to a protected branch on this project." in done.stderr


@pytest.mark.rule("git-default-branch-delete")
def test_default_branch_cannot_be_deleted(forge: Forge, project: Project, workplace: Path) -> None:
    clone = Clone(workplace, forge, project, forge.person(project, MAINTAINER).token).clone()

    done = clone.attempt("push", "origin", ":main")

    assert "The default branch of a project cannot be deleted." in done.stderr


@pytest.mark.rule("git-lease")
def test_lease_protects_a_commit_one_has_not_seen(forge: Forge, project: Project, workplace: Path) -> None:
    token = forge.person(project, DEVELOPER).token
    mine = Clone(workplace / "mine", forge, project, token).clone()
    seen = mine.commit("feature")
    mine.git("push", "-q", "origin", "feature")
    theirs = Clone(workplace / "theirs", forge, project, token).clone()
    other = theirs.commit("feature", "other.txt")
    theirs.git("push", "-q", "origin", "feature")
    mine.git("commit", "-q", "--amend", "-m", "Rewritten")

    done = mine.attempt("push", f"--force-with-lease=feature:{seen}", "origin", "feature")
    honest = mine.attempt("push", f"--force-with-lease=feature:{other}", "origin", "feature")

    assert "stale info" in done.stderr
    assert honest.returncode == 0


@pytest.mark.rule("git-shallow-partial")
def test_shallow_and_partial_clones_work(forge: Forge, project: Project, workplace: Path) -> None:
    workplace.mkdir()
    clone = Clone(workplace, forge, project, forge.admin_token)

    clone.git("clone", "-q", "--depth=1", clone.url, "shallow")
    clone.git("clone", "-q", "--filter=blob:none", clone.url, "partial")

    assert (workplace / "shallow/README.md").read_text() == (workplace / "partial/README.md").read_text() == "hello\n"


@pytest.mark.rule("git-push-refreshes-mr", "git-mr-head-ref")
def test_push_moves_the_merge_request_and_its_head_ref(forge: Forge, project: Project, workplace: Path) -> None:
    mr = open_merge_request(project)
    clone = Clone(workplace, forge, project, forge.admin_token).clone()

    sha = clone.commit("feature", "more.txt")
    clone.git("push", "-q", "origin", "feature")

    assert eventually(lambda: project.mergerequests.get(mr.iid).sha == sha)
    assert clone.git("ls-remote", "origin", f"refs/merge-requests/{mr.iid}/head").startswith(sha)
    assert settled(project, mr.iid).sha == sha


@pytest.mark.rule("mr-merged-by-push")
def test_head_pushed_to_the_target_marks_the_merge_request_merged(
    forge: Forge, project: Project, workplace: Path
) -> None:
    mr = open_merge_request(project)
    clone = Clone(workplace, forge, project, forge.admin_token).clone()

    clone.git("push", "-q", "origin", "origin/feature:main")

    assert eventually(lambda: project.mergerequests.get(mr.iid).state == "merged")
    assert project.mergerequests.get(mr.iid).merge_commit_sha is None


@pytest.mark.rule("hook-four-refs-silent")
def test_push_of_four_branches_fires_no_hook(
    forge: Forge, project: Project, workplace: Path, listener: Listener
) -> None:
    project.hooks.create({"url": listener.url, "push_events": True})
    clone = Clone(workplace, forge, project, forge.admin_token).clone()
    clone.commit("one")
    for name in ("two", "three", "four"):
        clone.git("branch", name)

    clone.git("push", "-q", "origin", "one", "two", "three", "four")
    clone.git("push", "-q", "origin", "one:five")

    assert listener.wait(lambda one: one.event == "Push Hook").body["ref"] == "refs/heads/five"
    assert len(listener.heard) == 1
