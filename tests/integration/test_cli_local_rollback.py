"""With the bot down the same commit is made in a checkout, and what is left to do is told."""

import json
import subprocess
from pathlib import Path

import pytest
from acting_cases import DENIALS, MARKER, PIN, PINNED, POLICY, POSITION, RELEASE
from cli_cases import sluice, sluice_json

from bot.cli.endings import Code
from bot.positions import parse_denial_file, parse_pin_file, parse_release_file, release_file
from bot.releases import Image, Release

IMAGE = "registry.example/acme/shop"
COMMAND = ("rollback", "shop", "production", "--reason", "orders are lost", "--offline")
BRANCH = "sluice-rollback/production/shop"


def git(root: Path, *arguments: str, said: str | None = None) -> str:
    """What git says."""
    done = subprocess.run(["git", "-C", str(root), *arguments], input=said, capture_output=True, text=True, check=True)
    return done.stdout


def release(version: str) -> Release:
    """A release with one image of its own digest."""
    digest = f"sha256:{version.replace('.', '').rjust(64, '0')}"
    image = Image(name=IMAGE, digest=digest, tag=f"{version}-prod")
    return Release(application="shop", images=(image,), version=version, commit="c" * 40)


def position(version: str, marker: str = MARKER) -> str:
    """The kustomization of production."""
    return f"images:\n  - name: shop\n    newName: {IMAGE}\n    newTag: {version}-prod # {marker}\n"


def declare(root: Path, version: str) -> None:
    """One commit as a promotion leaves it."""
    for path, text in {
        ".sluice/policy.yaml": POLICY.format(delivery="image_automation", more="", image=IMAGE),
        RELEASE: release_file(release(version), "production"),
        POSITION: position(version),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", f"Bring {version}")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout whose production went from 1.0.0 to 1.1.0."""
    root = tmp_path / "config"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "maintainer")
    git(root, "config", "user.email", "maintainer@example.org")
    declare(root, "1.0.0")
    declare(root, "1.1.0")
    return root


def test_commit_waits_on_a_branch_and_the_steps_left_are_told(repo: Path) -> None:
    before = git(repo, "rev-parse", "main")

    code, output, errors = sluice(*COMMAND, "--repo", str(repo), "--to", "1.0.0", "--deny")

    assert (code, errors) == (0, "")
    assert git(repo, "rev-parse", "main") == before
    assert git(repo, "rev-parse", f"{BRANCH}^") == before
    assert f"git -C {repo} merge --ff-only {BRANCH}" in output
    assert "kustomization/shop-production" in output
    pin = parse_pin_file(git(repo, "show", f"{BRANCH}:{PIN}"), file=PIN)
    (denial,) = parse_denial_file(git(repo, "show", f"{BRANCH}:{DENIALS}"), file=DENIALS)
    assert parse_release_file(git(repo, "show", f"{BRANCH}:{RELEASE}")).version == "1.0.0"
    assert git(repo, "show", f"{BRANCH}:{POSITION}") == position("1.0.0", PINNED)
    assert (pin.instead_of.version, pin.by, denial.version) == ("1.1.0", "maintainer", "1.1.0")
    assert "Sluice-Effect: rollback:app:local/shop@production" in git(repo, "log", "-1", "--format=%B", BRANCH)


def test_told_steps_take_the_release_back(repo: Path) -> None:
    steps = sluice_json(*COMMAND, "--repo", str(repo), "--to", "1.0.0")["steps"]

    for step in steps[:2]:
        subprocess.run(["sh", "-c", step], check=True, capture_output=True)

    assert parse_release_file((repo / RELEASE).read_text()).version == "1.0.0"
    assert git(repo, "status", "--porcelain") == ""


def test_printed_patch_changes_nothing_until_it_is_applied(repo: Path) -> None:
    code, patch, _ = sluice(*COMMAND, "--repo", str(repo), "--to", "1.0.0", "--print")
    untouched = git(repo, "branch", "--list", BRANCH)
    git(repo, "am", said=patch)

    assert (code, untouched) == (0, "")
    assert parse_release_file((repo / RELEASE).read_text()).version == "1.0.0"
    assert (repo / PIN).is_file()


@pytest.mark.parametrize(
    ("options", "code", "because"),
    [
        ((), Code.USAGE, "--to VERSION"),
        (("--to", "0.9.0"), Code.FAILED, "never declared 0.9.0"),
        (("--to", "1.1.0"), Code.FAILED, "declared now or denied"),
        (("--to", "1.0.0", "--version", "1.2.0"), Code.FAILED, "declares 1.1.0"),
    ],
)
def test_unclear_ways_back_are_refused(repo: Path, options: tuple[str, ...], code: Code, because: str) -> None:
    refused = sluice(*COMMAND, "--repo", str(repo), *options)

    assert refused[0] == code
    assert because in refused[2]
    assert git(repo, "branch", "--list", BRANCH) == ""


def test_second_try_does_not_replace_the_first(repo: Path) -> None:
    sluice(*COMMAND, "--repo", str(repo), "--to", "1.0.0")
    first = git(repo, "rev-parse", BRANCH)

    code, _, errors = sluice(*COMMAND, "--repo", str(repo), "--to", "1.0.0")

    assert code == Code.FAILED
    assert "git branch -D" in errors
    assert git(repo, "rev-parse", BRANCH) == first


def test_denied_release_is_no_way_back(repo: Path) -> None:
    declare(repo, "1.2.0")
    sluice(*COMMAND, "--repo", str(repo), "--to", "1.1.0", "--deny")
    git(repo, "merge", "-q", "--ff-only", BRANCH)

    code, _, errors = sluice(*COMMAND, "--repo", str(repo), "--to", "1.2.0")

    assert code == Code.FAILED
    assert "1.2.0 is declared now or denied" in errors


def test_folder_without_a_repository_is_wrong_usage(tmp_path: Path) -> None:
    code, _, errors = sluice(*COMMAND, "--repo", str(tmp_path), "--to", "1.0.0")

    assert code == Code.USAGE
    assert "--repo" in errors


def test_json_has_commit_patch_and_steps(repo: Path) -> None:
    told = sluice_json(*COMMAND, "--repo", str(repo), "--to", "1.0.0", "--print")

    assert json.dumps(told["patch"]).startswith('"From ' + told["commit"])
    assert told["branch"] == ""
