"""The split only reads this repository, always makes the same, and refuses what it would have to guess."""

import hashlib
import os
from pathlib import Path

import pytest
from splitting import git, small_source, split


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that no test changes."""
    return small_source(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository to be changed."""
    return small_source(tmp_path)


def heads(folder: Path) -> dict[str, str]:
    return {made.name: git(made, "rev-parse", "HEAD") for made in sorted(folder.iterdir())}


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file, with its content and the time of its last change; Git's own files, too."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) for file in files}


def test_the_source_is_only_read(kept: Path, tmp_path: Path) -> None:
    git(kept, "status")
    before = state(kept)

    said = split(kept, tmp_path / "made")

    assert said.status == 0, said.err
    assert state(kept) == before


def test_the_same_commit_gives_the_same_repositories(kept: Path, tmp_path: Path) -> None:
    split(kept, tmp_path / "one")
    os.environ["GIT_AUTHOR_NAME"] = "somebody else"
    try:
        split(kept, tmp_path / "two")
    finally:
        del os.environ["GIT_AUTHOR_NAME"]

    assert len(heads(tmp_path / "one")) == 4
    assert heads(tmp_path / "one") == heads(tmp_path / "two")


def test_a_second_run_finds_its_own_work(kept: Path, tmp_path: Path) -> None:
    first = split(kept, tmp_path / "made")
    before = state(tmp_path / "made")

    second = split(kept, tmp_path / "made")

    assert (first.status, second.status) == (0, 0)
    assert first.out.count("written") == second.out.count("as it was") == 4
    assert {file: content for file, (content, _) in state(tmp_path / "made").items() if "/.git/" not in file} == {
        file: content for file, (content, _) in before.items() if "/.git/" not in file
    }


def test_what_is_missing_is_added_on_a_second_run(kept: Path, tmp_path: Path) -> None:
    split(kept, tmp_path / "made")
    before = heads(tmp_path / "made")
    (tmp_path / "made" / "node-service").rename(tmp_path / "away")

    said = split(kept, tmp_path / "made")

    assert said.status == 0, said.err
    assert heads(tmp_path / "made") == before


def test_a_dry_run_says_what_would_come_out_and_writes_nothing(kept: Path, tmp_path: Path) -> None:
    said = split(kept, "--dry-run", tmp_path / "made")
    split(kept, tmp_path / "for-comparison")

    assert said.status == 0, said.err
    assert not (tmp_path / "made").exists()
    for name, head in heads(tmp_path / "for-comparison").items():
        assert any(line.startswith(name) and head[:12] in line for line in said.out.splitlines())
    assert said.out.count("not written (--dry-run)") == 4


@pytest.mark.parametrize("change", ["flux/README.md", "services/new.txt"])
def test_a_dirty_tree_is_refused_by_name(change: str, source: Path, tmp_path: Path) -> None:
    (source / change).write_text("something else\n")

    said = split(source, tmp_path / "made")

    assert said.status == 1
    assert change in said.err
    assert "Commit it, or put it aside" in said.err
    assert not (tmp_path / "made").exists()


def test_a_shallow_clone_is_refused(kept: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{kept}", "shallow")

    said = split(tmp_path / "shallow", tmp_path / "made")

    assert said.status == 1
    assert "git fetch --unshallow" in said.err
    assert not (tmp_path / "made").exists()


def test_somebodys_work_is_never_written_over(kept: Path, tmp_path: Path) -> None:
    split(kept, tmp_path / "made")
    worked = tmp_path / "made" / "flux-config"
    git(worked, "commit", "--quiet", "--allow-empty", "--message", "My work")
    (tmp_path / "made" / "demo-service").rename(tmp_path / "away")
    before = heads(tmp_path / "made")

    said = split(kept, tmp_path / "made")

    assert said.status == 1
    assert f"{worked} is not the split of" in said.err
    assert "Nothing was written." in said.err
    assert heads(tmp_path / "made") == before


def test_unfinished_work_is_never_written_over(kept: Path, tmp_path: Path) -> None:
    split(kept, tmp_path / "made")
    (tmp_path / "made" / "flux-config" / "README.md").write_text("My own words\n")

    said = split(kept, tmp_path / "made")

    assert said.status == 1
    assert (tmp_path / "made" / "flux-config" / "README.md").read_text() == "My own words\n"


def test_a_folder_of_another_kind_is_refused(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "made" / "demo-service").mkdir(parents=True)

    said = split(kept, tmp_path / "made")

    assert said.status == 1
    assert "demo-service is not the split of" in said.err
    assert list((tmp_path / "made").iterdir()) == [tmp_path / "made" / "demo-service"]


def test_a_folder_inside_the_repository_is_refused(kept: Path) -> None:
    said = split(kept, kept / "made")

    assert said.status == 1
    assert "lies in this repository, which is only read" in said.err
    assert not (kept / "made").exists()


def test_a_tree_that_does_not_say_where_it_will_live_is_refused(source: Path, tmp_path: Path) -> None:
    file = source / "flux" / "clusters" / "production" / "cluster-config.yaml"
    file.write_text(file.read_text().replace("config_project", "another_name"))
    git(source, "commit", "--quiet", "--all", "--message", "Forget it")

    said = split(source, tmp_path / "made")

    assert said.status == 1
    assert "cluster-config.yaml has no config_project" in said.err


def test_a_path_that_the_split_does_not_understand_is_refused(source: Path, tmp_path: Path) -> None:
    file = source / "flux" / "notifications" / "alerts.yaml"
    file.write_text(f"# See ./flux/gone.yaml\n{file.read_text()}")
    git(source, "commit", "--quiet", "--all", "--message", "Name what is not there")

    said = split(source, tmp_path / "made")

    assert said.status == 1
    assert "flux/notifications/alerts.yaml would still say '# See ./flux/gone.yaml'" in said.err
    assert not (tmp_path / "made").exists()


def test_other_places_are_named_after_production(source: Path, tmp_path: Path) -> None:
    file = source / "flux" / "clusters" / "production" / "cluster-config.yaml"
    changed = file.read_text().replace("gitlab_url: https://gitlab.example.com", "gitlab_url: https://git.example.org")
    file.write_text(changed.replace("config_project: demo/flux-config", "config_project: platform/live/clusters"))
    git(source, "commit", "--quiet", "--all", "--message", "Live elsewhere")

    said = split(source, tmp_path / "made")

    assert said.status == 0, said.err
    sync = (tmp_path / "made" / "clusters" / "clusters" / "production" / "flux-system" / "gotk-sync.yaml").read_text()
    assert "  url: https://git.example.org/platform/live/clusters.git\n" in sync
    assert "push https://git.example.org/platform/live/demo-service.git main\n" in said.out
