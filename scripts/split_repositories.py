#!/usr/bin/env python3
"""Splits this repository into those of a real installation, each with the history of its folder.

The applications, the config repository, and the infrastructure where there is one. All of it happens in a copy: this
repository is only read. The same commit always gives the same repositories, so a second run finds its own work.
"""

import argparse
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
CONFIG = "flux"
PRODUCTION = "flux/clusters/production"
MOVED = "## When this folder becomes a repository of its own"
# Nobody's own settings may change what comes out, and nothing is written where it is only read (not even the index).
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_OPTIONAL_LOCKS": "0"}
DEADLINE = 600
"""Seconds for one git command; `subtree split` takes one to two for each hundred commits."""


class Refused(Exception):
    """The split cannot be made; the message says what happened, why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A repository to be: its name, and the folder here that it comes from. page: what becomes its README."""

    name: str
    folder: str
    page: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the repositories will live, and where this one does."""

    gitlab_url: str
    config_project: str
    own_url: str

    def url(self, name: str) -> str:
        """The address of a repository beside the config repository."""
        group = self.config_project.rpartition("/")[0]
        return "/".join(part for part in (self.gitlab_url, group, name) if part)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0; 1 when the split is refused, and then nothing was written; 2 for wrong use."""
    options = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="split-repositories-") as work:
            _split_all(options.folder, Path(work), keep=not options.dry_run)
    except Refused as refused:
        print(f"split-repositories: {refused}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="split-repositories", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the repositories are written, one folder for each")
    parser.add_argument("--dry-run", action="store_true", help="do it all, say what came out, and keep nothing")
    return parser.parse_args(arguments)


def _split_all(target: Path, work: Path, *, keep: bool) -> None:
    if target.resolve().is_relative_to(ROOT):
        raise Refused(f"{target} lies in this repository, which is only read. Name a folder outside of {ROOT}.")
    commit = _source_commit()
    place = _place()
    git(work, "clone", "--quiet", "--no-hardlinks", str(ROOT), "source")
    git(work / "source", "checkout", "--quiet", "--detach", commit)
    parts = _parts(place)
    for part in parts:
        made = _history(part, work, commit)
        _stand_alone(part, made, parts, place, commit)
    _refuse_others_work(parts, work, target, commit)
    for part in parts:
        state = _deliver(part, work, target) if keep else "not written (--dry-run)"
        _report(part, work / part.name if not keep else target / part.name, state)
    if keep:
        _next_steps(parts, target, place)


def _source_commit() -> str:
    if subprocess.run(["git", "subtree", "-h"], capture_output=True, check=False).returncode not in (0, 129):
        raise Refused("this git has no 'subtree'. Install it: Debian has it in git, Alpine in git-subtree.")
    if git(ROOT, "rev-parse", "--is-shallow-repository") != "false":
        raise Refused("this clone is shallow, so the histories would be cut off. Get them: git fetch --unshallow")
    commit = git(ROOT, "rev-parse", "HEAD")
    if changed := git(ROOT, "status", "--porcelain"):
        raise Refused(
            f"only commits are split, and this is not what {commit[:12]} says:\n{changed}\n"
            "Commit it, or put it aside with git stash --include-untracked."
        )
    return commit


def _place() -> Place:
    """What the tree of this commit says; its own address is what production's Flux follows until now."""
    found = {
        "gitlab_url": _value(f"{PRODUCTION}/cluster-config.yaml", "gitlab_url"),
        "config_project": _value(f"{PRODUCTION}/cluster-config.yaml", "config_project"),
        "own_url": _value(f"{PRODUCTION}/flux-system/gotk-sync.yaml", "url").removesuffix(".git"),
    }
    return Place(**found)


def _value(file: str, key: str) -> str:
    match = re.search(rf"^  {key}: *(\S+)$", _text(ROOT / file), re.MULTILINE)
    if match is None:
        raise Refused(f"{file} has no {key}, so it is not known where the repositories will live. Add it.")
    return match[1]


def _name(place: Place) -> str:
    return place.config_project.rpartition("/")[2]


def _parts(place: Place) -> list[Part]:
    return [
        Part(name="demo-service", folder="services/demo-service"),
        Part(name="node-service", folder="services/node-service"),
        Part(name=_name(place), folder=CONFIG),
        Part(name="terraform-infra", folder="docs/terraform-flux-example", page="docs/terraform-flux-example.md"),
    ]


def _history(part: Part, work: Path, commit: str) -> Path:
    """A repository with the folder's history on `main`, and nothing else."""
    split = git(work / "source", "subtree", "split", "-q", f"--prefix={part.folder}", commit).split()[-1]
    git(work / "source", "branch", "--quiet", f"split/{part.name}", split)
    git(work, "init", "--quiet", "--initial-branch=main", part.name)
    made = work / part.name
    git(made, "fetch", "--quiet", str(work / "source"), f"split/{part.name}")
    git(made, "reset", "--quiet", "--hard", "FETCH_HEAD")
    (made / ".git" / "FETCH_HEAD").unlink()
    return made


def _stand_alone(part: Part, made: Path, parts: list[Part], place: Place, commit: str) -> None:
    """One commit on top: what names this repository's folders and neighbours names the new ones."""
    shutil.copyfile(ROOT / "LICENSE", made / "LICENSE")
    if part.page:
        shutil.copyfile(ROOT / part.page, made / "README.md")
    if part.folder == CONFIG:
        _rewrite_config(made, place, commit)
    for page in sorted(made.rglob("*.md")):
        here = part.page if part.page and page == made / "README.md" else f"{part.folder}/{page.relative_to(made)}"
        page.write_text(_relinked(_text(page), PurePosixPath(here), part, parts, place), "utf-8")
    git(made, "add", "--all")
    when = git(ROOT, "show", "--no-patch", "--format=%cI", commit)
    author = {"NAME": "split-repositories", "EMAIL": "split-repositories@localhost", "DATE": when}
    roles = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in author.items()}
    body = f"What was {part.folder} of Sluice's repository at {commit[:12]}, with the paths and addresses of its own."
    git(made, "commit", "--quiet", "--message", f"Stand alone as {part.name}", "--message", body, **roles)


def _relinked(text: str, page: PurePosixPath, part: Part, parts: list[Part], place: Place) -> str:
    """Links to what is in another repository now lead there. page: where the text stands, or stood, here."""

    def moved(link: re.Match[str]) -> str:
        target, _, anchor = link[1].partition("#")
        there = posixpath.normpath(page.parent / target)
        new = _address(there, part, parts, place)
        return f"]({new}{'#' if anchor else ''}{anchor})"

    return re.sub(r"\]\((?![a-z]+:|#)([^)\s]+)\)", moved, text)


def _address(there: str, part: Part, parts: list[Part], place: Place) -> str:
    """The new address of a path of this repository, seen from the top of a part."""
    home = next((one for one in parts if there == one.folder or there.startswith(one.folder + "/")), None)
    if home is None:
        return f"{place.own_url}/-/blob/main/{there}"
    inside = there.removeprefix(home.folder).removeprefix("/")
    if home == part:
        return inside or "."
    return f"{place.url(home.name)}/-/blob/main/{inside}" if inside else place.url(home.name)


def _rewrite_config(made: Path, place: Place, commit: str) -> None:
    """`./flux/…` becomes `./…`. Encrypted files stay as they are: they name no paths, and a change spoils their MAC."""
    names = git(made, "ls-files").splitlines()
    tops = "|".join(sorted({re.escape(name.split("/")[0]) for name in names}))
    inside = re.compile(rf"(?<![\w./-])(\./)?flux/(?=(?:{tops})(?![\w-]))")
    for name in names:
        if name.endswith(".sops.yaml") and name != ".sops.yaml":
            continue
        text = inside.sub(lambda found: found[1] or "", _text(made / name))
        text = text.replace(f"{place.own_url}.git", f"{place.url(_name(place))}.git")
        if name == "README.md":
            text = text.partition(MOVED)[0] + _where_from(place, commit)
        (made / name).write_text(text, "utf-8")
        if line := re.search(r"^.*\./flux/.*$", text, re.MULTILINE):
            raise Refused(
                f"flux/{name} would still say '{line[0].strip()}'. Write the path as ./flux/FOLDER of this tree."
            )


def _where_from(place: Place, commit: str) -> str:
    return (
        "## Where this comes from\n\n"
        f"Split from the folder `flux` of Sluice's repository at {commit[:12]}. What is said here of `make` and\n"
        f"`scripts/` is there: {place.own_url}\n"
    )


def _refuse_others_work(parts: list[Part], work: Path, target: Path, commit: str) -> None:
    for part in parts:
        there = target / part.name
        if there.exists() and _head(there) != _head(work / part.name):
            raise Refused(
                f"{there} is not the split of {commit[:12]}: someone worked there, or this repository went on. "
                "Nothing was written. Name another folder, or take that one away."
            )


def _head(folder: Path) -> str | None:
    """The commit of a repository; None for anything else, or when files there differ from it."""
    if not (folder / ".git").exists() or git(folder, "status", "--porcelain"):
        return None
    return git(folder, "rev-parse", "HEAD")


def _deliver(part: Part, work: Path, target: Path) -> str:
    if (target / part.name).exists():
        return "as it was"
    target.mkdir(parents=True, exist_ok=True)
    # Moved twice, so that under its name it is there as a whole or not at all, also across file systems.
    arriving = target / f".{part.name}.arriving"
    shutil.rmtree(arriving, ignore_errors=True)
    shutil.move(work / part.name, arriving)
    arriving.rename(target / part.name)
    return "written"


def _report(part: Part, made: Path, state: str) -> None:
    commits = git(made, "rev-list", "--count", "HEAD")
    print(f"{part.name:16} {git(made, 'rev-parse', 'HEAD')[:12]}  {commits:>4} commits of {part.folder:22} {state}")


def _next_steps(parts: list[Part], target: Path, place: Place) -> None:
    print("\nPush each one, then follow docs/repository-separation.md:")
    for part in parts:
        print(f"  git -C {target / part.name} push {place.url(part.name)}.git main")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{file.name} is not text ({error.reason}), so its paths cannot be seen. Take it out.") from error


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """What git says, without the last line's end. Raises Refused with git's own words."""
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command,
            env={**_surroundings(), **environment},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    except FileNotFoundError as error:
        raise Refused("git was not found on PATH. Install it.") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"git {arguments[0]} took more than {DEADLINE} s in {folder}. See what keeps it.") from error
    if done.returncode:
        raise Refused(f"git {' '.join(arguments)} failed in {folder}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def _surroundings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FOREIGN} | ENVIRONMENT


if __name__ == "__main__":
    sys.exit(main())
