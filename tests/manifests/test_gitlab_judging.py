"""What the templates' judgement rests on: a scan that saw an image, and a branch that once declared it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from gitlab_ci import TEMPLATES, configuration

DIGEST = f"sha256:{'0' * 64}"
OTHER = f"sha256:{'1' * 64}"
FILE = "release.yaml"
INDEX = f'{{"manifests": [{{"digest": "{DIGEST}", "platform": {{"os": "linux"}}}}, {{"digest": "{OTHER}"}}]}}'
FOUND = """find_vulnerabilities() { printf '{"scanner": "s", "packages": 1, "findings": []}'; }"""
Git = Callable[..., str]


def shell(commands: str, folder: Path, *, path: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """The functions and then these commands, in the plain shell that Debian and Alpine have."""
    known = configuration(TEMPLATES / "steps.yml").keys[".sluice"]
    functions = "\n".join([*known["functions"], *known["vulnerabilities"], *known["releases"]])
    return subprocess.run(
        [shutil.which("dash") or "sh", "-euc", f"{functions}\n{commands}"],
        cwd=folder, capture_output=True, text=True, timeout=30, env={"PATH": f"{path}:/usr/bin:/bin", **variables},
    )  # fmt: skip


def crane(folder: Path, body: str) -> str:
    """A folder in which `crane` does this."""
    program = folder / "programs" / "crane"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    program.chmod(0o755)
    return str(program.parent)


def test_image_that_cannot_be_read_is_not_taken_for_one_without_findings(tmp_path: Path) -> None:
    gone = crane(tmp_path, "echo 'connection refused' >&2; exit 1")

    told = shell(f"{FOUND}\nscan registry.example/a@{DIGEST} >scan\necho went on", tmp_path, path=gone)

    assert (told.returncode, told.stdout) == (1, "")
    assert f"registry.example/a@{DIGEST} cannot be read." in told.stderr


@pytest.mark.parametrize(("manifest", "platforms"), [(INDEX, 2), ('{"layers": []}', 1)])
def test_every_platform_of_an_image_is_scanned(manifest: str, platforms: int, tmp_path: Path) -> None:
    there = crane(tmp_path, f"echo '{manifest}'")

    told = shell(f"{FOUND}\nscan registry.example/a@{DIGEST} | jq -c '[.platforms, .packages]'", tmp_path, path=there)

    assert (told.returncode, told.stdout.strip()) == (0, f"[{platforms},{platforms}]"), told.stderr


@pytest.mark.parametrize(("scanned", "tagged"), [(DIGEST, True), (OTHER, False)])
def test_release_is_named_only_when_the_scan_is_of_its_digest(scanned: str, tagged: bool, tmp_path: Path) -> None:
    publish = configuration(TEMPLATES / "examples" / "application.gitlab-ci.yml").script("image-publish")
    programs = crane(tmp_path, 'echo "$1" >>calls; echo "404 Not Found" >&2; [ "$1" = tag ]')
    (tmp_path / "programs" / "cosign").write_text("#!/bin/sh\necho '[]'\n", "utf-8")
    (tmp_path / "programs" / "cosign").chmod(0o755)
    (tmp_path / "scan.json").write_text(f'{{"image": "registry.example/a@{scanned}"}}', "utf-8")
    variables = {
        "IMAGE_NAME": "registry.example/a", "IMAGE": f"registry.example/a@{DIGEST}", "VERSION": "1.2.3",
        "IMAGE_USER": "", "IMAGE_PASSWORD": "", "COSIGN_PUBLIC_KEY": "key",
    }  # fmt: skip

    told = shell(publish, tmp_path, path=programs, **variables)

    calls = (tmp_path / "calls").read_text("utf-8").split() if (tmp_path / "calls").is_file() else []
    assert (told.returncode == 0, "tag" in calls) == (tagged, tagged), told.stderr
    assert ("Run the scan again, too." in told.stderr) is not tagged


@pytest.fixture
def git(tmp_path: Path) -> Git:
    def run(*arguments: str) -> str:
        said = ["-c", "user.name=developer", "-c", "user.email=developer@example.com"]
        done = subprocess.run(
            ["git", *said, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch", "main")
    run("commit", "--quiet", "--allow-empty", "--message", "Begin")
    return run


def declare(git: Git, folder: Path, digest: str) -> None:
    (folder / FILE).write_text(f'    digest: "{digest}"\n', "utf-8")
    git("add", FILE)
    git("commit", "--quiet", "--message", "Declare")


def was_here(folder: Path, digest: str) -> bool:
    return shell(f"was_here main {FILE} {digest}", folder).returncode == 0


def test_what_a_branch_said_before_it_was_merged_was_never_here(git: Git, tmp_path: Path) -> None:
    git("checkout", "--quiet", "-b", "proposal")
    declare(git, tmp_path, DIGEST)
    declare(git, tmp_path, OTHER)
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--message", "Merge", "proposal")

    assert not was_here(tmp_path, DIGEST)
    assert was_here(tmp_path, OTHER)


def test_what_was_merged_and_replaced_was_here(git: Git, tmp_path: Path) -> None:
    declare(git, tmp_path, DIGEST)
    declare(git, tmp_path, OTHER)

    assert was_here(tmp_path, DIGEST)
