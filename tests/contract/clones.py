"""A person's clone of a project, worked on by the real git."""

import os
import subprocess
from pathlib import Path

from contract.forge import Forge
from gitlab.v4.objects import Project

IDENTITY = {
    "GIT_AUTHOR_NAME": "developer",
    "GIT_AUTHOR_EMAIL": "developer@example.com",
    "GIT_COMMITTER_NAME": "developer",
    "GIT_COMMITTER_EMAIL": "developer@example.com",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


class Clone:
    """A work tree of a project, cloned with one person's token."""

    def __init__(self, folder: Path, forge: Forge, project: Project, token: str) -> None:
        self.folder = folder
        scheme, host = forge.url.split("://")
        self.url = f"{scheme}://anyone:{token}@{host}/{project.path_with_namespace}.git"

    def git(self, *argv: str) -> str:
        done = self.attempt(*argv)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def attempt(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *argv],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **IDENTITY},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def clone(self) -> "Clone":
        self.folder.mkdir(parents=True)
        self.git("clone", "-q", self.url, ".")
        return self

    def commit(self, branch: str, name: str = "new.txt") -> str:
        if self.attempt("checkout", "-q", branch).returncode:
            self.git("checkout", "-q", "-b", branch)
        self.folder.joinpath(name).write_text(f"{branch}\n")
        self.git("add", "--all")
        self.git("commit", "-q", "-m", f"Add {name}")
        return self.git("rev-parse", "HEAD")
