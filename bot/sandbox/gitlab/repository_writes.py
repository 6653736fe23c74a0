"""New commits in a bare repository: file edits, merges, squashes and rebases, all by plumbing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.sandbox.gitlab.git_process import signed_by
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who writes a commit, and when."""

    name: str
    email: str
    at: datetime

    @property
    def when(self) -> str:
        return f"{int(self.at.timestamp())} +0000"

    def environment(self) -> dict[str, str]:
        return signed_by(self.name, self.email, self.when)

    def line(self) -> str:
        clean = self.name.replace("<", "").replace(">", "").replace("\n", " ")
        return f"{clean} <{self.email}> {self.when}"


def signature_of(user: User, at: datetime) -> Signature:
    return Signature(name=user.name, email=user.email, at=at)


async def write_commit(
    repository: Repository,
    *,
    branch: str,
    parent: str | None,
    changes: Mapping[str, tuple[str, bytes] | None],
    message: str,
    author: Signature,
    committer: Signature,
    force: bool = False,
) -> str:
    """Commit file changes (path → mode and content, None deletes) on a branch and return the new SHA.

    The caller holds the repository's lock. One `git fast-import` does it, without a work tree.
    """
    stream = [
        b"feature done\n",
        f"commit refs/heads/{branch}\nmark :1\nauthor {author.line()}\ncommitter {committer.line()}\n".encode(),
        _data(message.encode()),
        f"from {parent}\n".encode() if parent else b"",
    ]
    for path, change in changes.items():
        stream.append(_change(path, change))
    stream.append(b"get-mark :1\ndone\n")
    flags = ("--force",) if force else ()
    out = await repository.git("fast-import", "--quiet", *flags, stdin=b"".join(stream))
    sha = out.decode().strip()
    repository.refs[f"refs/heads/{branch}"] = sha
    return sha


async def commit_tree(
    repository: Repository, tree: str, parents: Sequence[str], message: str, author: Signature
) -> str:
    """Write a commit object for a tree and return its SHA; no ref moves."""
    flags = [flag for parent in parents for flag in ("-p", parent)]
    out = await repository.git(
        "commit-tree", tree, *flags, stdin=message.encode() or b"\n", environment=author.environment()
    )
    return out.decode().strip()


async def merged_tree(repository: Repository, target: str, head: str) -> str | None:
    """Return the tree of a clean merge of two commits, or None when they conflict."""
    done = await repository.attempt("merge-tree", "--write-tree", "--no-messages", target, head)
    return done.out.decode().split("\n", 1)[0].strip() if done.code == 0 else None


async def rebased(repository: Repository, head: str, onto: str, committer: Signature) -> str | None:
    """Return `head`'s own commits rewritten on top of `onto`, or None at the first conflict.

    Each commit is carried over by a three-way merge whose base is forced by a made-up common parent, because
    `merge-tree --merge-base` came with Git 2.40.
    """
    commits = await repository.log(head, f"^{onto}", limit=500)
    tip = onto
    for commit in reversed([one for one in commits if len(one.parents) == 1]):
        base = await commit_tree(repository, f"{commit.parents[0]}^{{tree}}", [], "base", committer)
        ours = await commit_tree(repository, f"{tip}^{{tree}}", [base], "ours", committer)
        theirs = await commit_tree(repository, f"{commit.sha}^{{tree}}", [base], "theirs", committer)
        tree = await merged_tree(repository, ours, theirs)
        if tree is None:
            return None
        keep_author = {
            **committer.environment(),
            "GIT_AUTHOR_NAME": commit.author_name,
            "GIT_AUTHOR_EMAIL": commit.author_email,
            "GIT_AUTHOR_DATE": commit.authored_at,
        }
        out = await repository.git(
            "commit-tree", tree, "-p", tip, stdin=commit.message.encode() or b"\n", environment=keep_author
        )
        tip = out.decode().strip()
    return tip


def _change(path: str, change: tuple[str, bytes] | None) -> bytes:
    if change is None:
        return f"D {_quoted(path)}\n".encode()
    mode, content = change
    return f"M {mode} inline {_quoted(path)}\n".encode() + _data(content)


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
