"""Pipelines run for real, without a GitLab: gitlab-ci-local expands a repository's configuration and executes its jobs.

Each job gets a clean checkout, the artifacts and variables of the jobs it needs, and a shell on this machine instead
of a container, so the programs of its image must be on PATH.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from gitlab_ci import OWN_PROJECT, TEMPLATES
from service_builds import NPM, ToolIsMissing, node
from tools_at_hand import binary

RUNNER = Path(__file__).resolve().parent / "services" / "runner"
GITLAB = "https://gitlab.example.com"
PROGRAMS = ("crane", "cosign", "osv-scanner")
FROM_DEBIAN = ("buildah", "git", "jq", "rsync")
DEADLINE = 600.0
GIT = ("git", "-c", "user.name=developer", "-c", "user.email=developer@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished pipeline: whether it passed, what was said, and where its artifacts are."""

    passed: bool
    log: str
    artifacts: Path

    def artifact(self, job: str, name: str) -> Any:
        """A JSON file that a job kept."""
        return json.loads((self.artifacts / job / name).read_text("utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A Git repository with a pipeline, and the copy of it that stands for GitLab's."""

    path: str
    folder: Path
    environment: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def remote(self) -> Path:
        """What `origin` is for the jobs."""
        return self.folder.parent / f"{self.folder.name}.git"

    def git(self, *arguments: str) -> str:
        """What git says in the checkout."""
        done = subprocess.run(
            [*GIT, *arguments], cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], message: str) -> str:
        """Write files, commit them on the branch that is checked out; the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str = "main") -> None:
        """Bring the branch to the remote, as GitLab would have it when the next pipeline starts."""
        self.git("push", "--quiet", "--force", str(self.remote), f"{branch}:{branch}")
        self.git("update-ref", f"refs/remotes/origin/{branch}", branch)

    def run(self, *jobs: str, without: Iterable[str] = (), **variables: str) -> Run:
        """Run these jobs (all without names) of what is checked out, with these CI/CD variables on top."""
        given = {
            # The address is GitLab's for the runner, and the copy beside the checkout for git.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.remote}.insteadOf",
            "GIT_CONFIG_VALUE_0": f"{GITLAB}/{self.path}.git",
            **self.variables,
            **variables,
        }
        state = Path(tempfile.mkdtemp(dir=self.folder.parent))
        done = subprocess.run(
            [node(), str(runner()), "--state-dir", os.path.relpath(state, self.folder),
             "--no-color", "--force-shell-executor", "--shell-isolation", "--concurrency", "2",
             *(f"--variable={name}={value}" for name, value in given.items()),
             *(f"--unset-variable={name}" for name in without), *jobs],
            cwd=self.folder, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
        return Run(passed=done.returncode == 0, log=done.stdout, artifacts=state / "artifacts")

    def preview(self) -> str:
        """The configuration as the runner reads it."""
        return self._told("--preview")

    def planned(self, without: Iterable[str] = (), **variables: str) -> set[str]:
        """The jobs of the pipeline that these variables describe."""
        chosen = [f"--variable={name}={value}" for name, value in variables.items()]
        listed = self._told("--list-csv", *chosen, *(f"--unset-variable={name}" for name in without))
        table = listed[listed.index("\nname;") + 1 :]
        return {line.partition(";")[0] for line in table.splitlines()[1:] if line}

    def _told(self, *arguments: str) -> str:
        done = subprocess.run(
            [node(), str(runner()), "--no-color", *arguments],
            cwd=self.folder, env=dict(self.environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def release(self, tag: str) -> Run:
        """The pipeline of a tag."""
        return self.run(without=["CI_COMMIT_BRANCH"], CI_COMMIT_TAG=tag, CI_PIPELINE_SOURCE="push")

    def merge_request(self, *jobs: str) -> Run:
        """The pipeline of a merge request from what is checked out into main."""
        return self.run(
            *jobs,
            without=["CI_COMMIT_BRANCH"],
            CI_PIPELINE_SOURCE="merge_request_event",
            CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
        )


def project(
    path: str,
    folder: Path,
    *,
    files: Mapping[str, str],
    environment: Mapping[str, str],
    variables: Mapping[str, str] | None = None,
) -> Project:
    """A project whose pipeline finds the templates of this repository in its own."""
    made = Project(path=path, folder=folder, environment=environment, variables=variables or {})
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", made.remote], check=True, timeout=60)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("remote", "add", "origin", f"{GITLAB}/{path}.git")
    templates = {f".gitlab/ci/{file.name}": file.read_text("utf-8") for file in TEMPLATES.glob("*.yml")}
    made.commit({**templates, **files, ".gitignore": ".gitlab-ci-local/\n"}, "Begin")
    made.push()
    made.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    return made


def with_local_templates(configuration: str) -> str:
    """The configuration with its includes from this repository taken from the project itself."""
    return re.sub(rf"- project: {OWN_PROJECT}\n( +)ref: \S+\n +file: ", "- local: ", configuration)


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a runner has: the programs of the templates' image on PATH, and nothing of this machine's settings."""
    for name in FROM_DEBIAN:
        if shutil.which(name) is None:
            _absent(f"{name} is not on PATH; install Debian's package {name}")
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[user]\nname = developer\nemail = developer@example.com\n", "utf-8")
    storage = home / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/containers"\nrunroot = "{home}/running"\n', "utf-8"
    )
    folders = [str(binary(name).parent) for name in PROGRAMS]
    return {
        "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "CONTAINERS_STORAGE_CONF": str(storage),
        **more,
    }


def runner() -> Path:
    """gitlab-ci-local, as locked in `tests/services/runner`; installed when it is not there yet."""
    try:
        node()
    except ToolIsMissing as missing:
        _absent(str(missing))
    program = RUNNER / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"
    lock = (RUNNER / "package-lock.json").read_bytes()
    stamp = RUNNER / "node_modules" / ".installed"
    with (Path(tempfile.gettempdir()) / "sluice-runner.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_bytes() != lock:
            subprocess.run([*NPM, "ci", "--ignore-scripts"], cwd=RUNNER, check=True, capture_output=True, timeout=300)
            stamp.write_bytes(lock)
    return program


def _absent(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
