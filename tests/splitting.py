"""A clone of this repository that can be split, and its split: what the tests of both tiers look at."""

import shutil
import subprocess
import sys
from pathlib import Path

from flux_secrets import Said
from flux_tree import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "split_repositories.py"
DEADLINE = 600.0


def git(folder: Path, *arguments: str) -> str:
    """What git says, as somebody without settings of their own."""
    identity = ("-c", "user.name=developer", "-c", "user.email=developer@example.com", "-c", "commit.gpgsign=false")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE).stdout.strip()


def small_source(place: Path) -> Path:
    """What is split of this checkout, with two commits: quick, where the history is not what is looked at."""
    source = place / "source"
    source.mkdir()
    tracked = git(REPOSITORY, "ls-files", "-z", "--", "flux", "services", "docs", "LICENSE").split("\0")
    for name in filter(None, tracked):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, source / name)
    git(source, "init", "--quiet", "--initial-branch=main")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "Begin")
    (source / "scripts").mkdir()
    shutil.copy(SCRIPT, source / "scripts" / SCRIPT.name)
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "Split")
    return source


def new_source(place: Path) -> Path:
    """A clone with all of its history, and this checkout's script. A shallow checkout begins a history of its own."""
    source = place / "source"
    git(place, "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(source))
    if git(source, "rev-parse", "--is-shallow-repository") == "true":
        shutil.rmtree(source / ".git")
        git(source, "init", "--quiet", "--initial-branch=main")
        git(source, "add", ".")
        git(source, "commit", "--quiet", "--message", "Begin")
    shutil.copy(SCRIPT, source / "scripts" / SCRIPT.name)
    if git(source, "status", "--porcelain"):
        git(source, "add", ".")
        git(source, "commit", "--quiet", "--message", "Split as this checkout does")
    return source


def split(source: Path, *arguments: str | Path) -> Said:
    """The script of a clone, as a person calls it."""
    command = [sys.executable, str(source / "scripts" / "split_repositories.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    return Said(status=done.returncode, out=done.stdout, err=done.stderr)
