"""One bare Git repository: its refs kept in memory, its immutable objects read once and remembered."""

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.sandbox.gitlab.git_process import Finished, GitFailed, run_git

ZERO_SHA = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_SHA = re.compile(r"[0-9a-f]{40}")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,40}")
_COMMIT_FORMAT = "--format=%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01"
_CONFIG = """[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[http]
	receivepack = true
[receive]
	advertisePushOptions = true
	hideRefs = refs/merge-requests
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[gc]
	auto = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: str
    committer_name: str
    committer_email: str
    committed_at: str
    message: str

    @property
    def title(self) -> str:
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefChange:
    """One ref moved from `before` to `after`; all zeroes where it did not or no longer does exist."""

    ref: str
    before: str
    after: str

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None

    @property
    def tag(self) -> str | None:
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else None

    @property
    def deleted(self) -> bool:
        return self.after == ZERO_SHA


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    mode: str
    type: str
    sha: str
    path: str


class Repository:
    """Reads are remembered by object name; whoever moves refs holds `lock` and calls `refresh` or `set_ref`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = asyncio.Lock()
        self.refs: dict[str, str] = {}
        self.tag_objects: dict[str, str] = {}
        self._commits: dict[str, Commit] = {}
        self._blobs: dict[tuple[str, str], bytes | None] = {}
        self._ancestry: dict[tuple[str, str], bool] = {}
        self._bases: dict[tuple[str, str], str | None] = {}
        self._run = partial(run_git, directory)

    def create(self, default_branch: str) -> None:
        """Lay out an empty bare repository; the same files `git init --bare` writes, without a process."""
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (self.directory / folder).mkdir(parents=True)
        (self.directory / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n")
        (self.directory / "config").write_text(_CONFIG)

    async def git(self, *argv: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> bytes:
        """Run git and return its output; a failure raises GitFailed with Git's words."""
        done = await self._run(*argv, stdin=stdin, environment=environment)
        if done.code:
            raise GitFailed(f"git {argv[0]} failed: {done.err.decode(errors='replace').strip()}")
        return done.out

    async def attempt(self, *argv: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> Finished:
        """Run git where failure is an answer."""
        return await self._run(*argv, stdin=stdin, environment=environment)

    async def refresh(self) -> list[RefChange]:
        """Read all refs again and return which moved."""
        listing = await self.git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)")
        refs, tags = {}, {}
        for line in listing.decode().splitlines():
            name, sha, peeled = [*line.split(" "), ""][:3]
            refs[name] = peeled or sha
            if peeled:
                tags[name] = sha
        before, self.refs, self.tag_objects = self.refs, refs, tags
        names = sorted(before.keys() | refs.keys())
        return [
            RefChange(ref=name, before=before.get(name, ZERO_SHA), after=refs.get(name, ZERO_SHA))
            for name in names
            if before.get(name) != refs.get(name)
        ]

    async def set_ref(self, ref: str, sha: str, *, expected: str | None = None) -> RefChange:
        """Move one ref (to zeroes: delete it), with compare-and-set when `expected` is given."""
        before = self.refs.get(ref, ZERO_SHA)
        await self.git("update-ref", ref, sha, *([expected] if expected is not None else []))
        if sha == ZERO_SHA:
            self.refs.pop(ref, None)
            self.tag_objects.pop(ref, None)
        else:
            self.refs[ref] = sha
        return RefChange(ref=ref, before=before, after=sha)

    def branch(self, name: str) -> str | None:
        return self.refs.get(f"refs/heads/{name}")

    def tag(self, name: str) -> str | None:
        return self.refs.get(f"refs/tags/{name}")

    def branches(self) -> dict[str, str]:
        return {r.removeprefix("refs/heads/"): sha for r, sha in self.refs.items() if r.startswith("refs/heads/")}

    def tags(self) -> dict[str, str]:
        return {r.removeprefix("refs/tags/"): sha for r, sha in self.refs.items() if r.startswith("refs/tags/")}

    async def resolve(self, revision: str) -> str | None:
        """Return the commit a branch, tag, ref or (short) SHA names, or None."""
        for ref in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if ref in self.refs:
                return self.refs[ref]
        if not _SHORT_SHA.fullmatch(revision):
            return None
        if revision in self._commits:
            return revision
        done = await self.attempt("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return done.out.decode().strip() or None if done.code == 0 else None

    async def commit(self, revision: str) -> Commit | None:
        if revision in self._commits:
            return self._commits[revision]
        sha = await self.resolve(revision)
        if sha is None:
            return None
        if sha not in self._commits:
            await self.log(sha, limit=1)
        return self._commits[sha]

    async def log(self, *revisions: str, limit: int = 1000, skip: int = 0, paths: tuple[str, ...] = ()) -> list[Commit]:
        """Return commits newest first, as `git log` walks them."""
        argv = ("log", _COMMIT_FORMAT, f"--max-count={limit}", f"--skip={skip}", *revisions, "--", *paths)
        commits = [_parse_commit(text) for text in (await self.git(*argv)).decode(errors="replace").split("\x01\n")]
        found = [commit for commit in commits if commit is not None]
        self._commits.update((commit.sha, commit) for commit in found)
        return found

    async def is_ancestor(self, older: str, newer: str) -> bool:
        if (older, newer) not in self._ancestry:
            done = await self.attempt("merge-base", "--is-ancestor", older, newer)
            self._ancestry[older, newer] = done.code == 0
        return self._ancestry[older, newer]

    async def merge_base(self, one: str, other: str) -> str | None:
        if (one, other) not in self._bases:
            done = await self.attempt("merge-base", one, other)
            self._bases[one, other] = done.out.decode().strip() or None
        return self._bases[one, other]

    async def blob(self, sha: str, path: str) -> bytes | None:
        """Return a file at a commit, or None where there is none."""
        if (sha, path) not in self._blobs:
            done = await self.attempt("cat-file", "blob", f"{sha}:{path}")
            self._blobs[sha, path] = done.out if done.code == 0 else None
        return self._blobs[sha, path]

    async def tree(self, sha: str, path: str = "", *, recursive: bool = False) -> list[TreeEntry] | None:
        """List a folder at a commit; None where the folder does not exist."""
        folder = f"{path.strip('/')}/" if path.strip("/") else ""
        flags = ("-r", "-t") if recursive else ()
        listing = await self.git("ls-tree", "-z", *flags, sha, *(["--", folder] if folder else []))
        entries = [_parse_tree_entry(line) for line in listing.decode().split("\0") if line]
        entries = [entry for entry in entries if entry.path != folder.rstrip("/") and entry.path.startswith(folder)]
        return entries if entries or not folder else None


def _parse_commit(text: str) -> Commit | None:
    fields = text.lstrip("\n").split("\0")
    if len(fields) != 9 or not _SHA.fullmatch(fields[0]):
        return None
    sha, parents, a_name, a_mail, a_date, c_name, c_mail, c_date, message = fields
    return Commit(
        sha=sha,
        parents=tuple(parents.split()),
        author_name=a_name,
        author_email=a_mail,
        authored_at=a_date,
        committer_name=c_name,
        committer_email=c_mail,
        committed_at=c_date,
        # %B ends with the newline that closes the message, and log adds one more after each record.
        message=message.rstrip("\x01"),
    )


def _parse_tree_entry(line: str) -> TreeEntry:
    head, path = line.split("\t", 1)
    mode, kind, sha = head.split(" ")
    return TreeEntry(mode=mode, type=kind, sha=sha, path=path)
