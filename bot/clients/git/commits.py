"""Commits are made without a work tree, and the same content gives the same sha: a crash repeats itself harmlessly."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.clients.git.process import Finished, run
from bot.errors import PermanentError

EFFECT_TRAILER = "Sluice-Effect"
"""Names the effect a commit is: what is found under this trailer was done already (git-interpret-trailers(1))."""

_REGULAR = ("100644", "100755")
_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
_ONE_LINE = re.compile(r"[^<>\n\r\x00]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who a commit is by."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """A commit as Git holds it. `when` is the committer's time in UTC."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Author
    committer: Author
    when: datetime
    message: str

    @property
    def subject(self) -> str:
        """The first line."""
        return self.message.partition("\n")[0]

    def trailer(self, name: str) -> str:
        """The last trailer of this name in the message's last paragraph, or empty."""
        last = self.message.rstrip().rpartition("\n\n")[2]
        found = re.findall(rf"^{re.escape(name)}: *(.*)$", last, re.MULTILINE | re.IGNORECASE)
        return str(found[-1]).strip() if found else ""


def with_trailer(message: str, effect: str) -> str:
    """The message with `Sluice-Effect: <effect>` as its last paragraph; ValueError for an effect of several lines."""
    if not effect or "\n" in effect:
        raise ValueError("an effect's key is one line")
    return f"{message.rstrip()}\n\n{EFFECT_TRAILER}: {effect}\n"


def parse_commit(sha: str, body: bytes) -> CommitInfo:
    """A commit object's bytes, understood (gitformat: headers, a blank line, the message)."""
    head, _, message = body.decode("utf-8", "replace").partition("\n\n")
    lines = [line.partition(" ") for line in head.split("\n") if not line.startswith(" ")]
    fields = {key: value for key, _, value in lines if key != "parent"}
    committer, when = _person(fields["committer"])
    return CommitInfo(
        sha=sha,
        tree=fields["tree"],
        parents=tuple(value for key, _, value in lines if key == "parent"),
        author=_person(fields["author"])[0],
        committer=committer,
        when=when,
        message=message,
    )


async def make_commit(
    env: Mapping[str, str],
    *,
    base: str,
    files: Mapping[str, bytes | None],
    message: str,
    author: Author,
    when: datetime,
) -> str:
    """The sha of a commit on `base` with the files written (None: removed), or `base` itself if nothing changes.

    Modes of files stay. PermanentError for a path that leaves the tree, is a link, or is no file.
    """
    for path in files:
        check_path(path)
    with tempfile.TemporaryDirectory(prefix="sluice-index-") as folder:
        indexed = {**env, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        await _must(await run("read-tree", "--end-of-options", base, env=indexed))
        modes = await _modes(indexed, list(files))
        entries = [await _entry(env, path, body, modes.get(path)) for path, body in sorted(files.items())]
        await _must(await run("update-index", "-z", "--index-info", env=indexed, stdin=b"".join(entries)))
        tree = await _must(await run("write-tree", env=indexed))
    if tree == await _must(await run("rev-parse", "--verify", f"{base}^{{tree}}", env=env)):
        return base
    dated = {**env, **_identity(author, when)}
    return await _must(await run("commit-tree", tree, "-p", base, "-F", "-", env=dated, stdin=message.encode()))


def check_path(path: str) -> None:
    """PermanentError unless the path is a plain relative one inside the tree."""
    if not path or _ODD.search(path) or any(_forbidden(part) for part in path.split("/")):
        raise PermanentError(
            f"{path!r} is no path for a file in Git. Correct the path in the policy: relative, without `..`."
        )


def _forbidden(part: str) -> bool:
    # Git itself refuses these names too (verify_path, CVE-2014-9390); here it is said in a sentence.
    return part in ("", ".", "..") or part.lower().rstrip(". ") == ".git" or part.lower().startswith("git~")


async def _modes(env: Mapping[str, str], paths: list[str]) -> dict[str, str]:
    listed = await run("ls-files", "-s", "-z", "--", *paths, env={**env, "GIT_LITERAL_PATHSPECS": "1"})
    if listed.code != 0:
        await _must(listed)
    entries = [line.partition("\t") for line in listed.output.decode("utf-8", "replace").split("\0") if line]
    return {path: facts.split(" ")[0] for facts, _, path in entries}


async def _entry(env: Mapping[str, str], path: str, body: bytes | None, mode: str | None) -> bytes:
    if mode is not None and mode not in _REGULAR:
        raise PermanentError(f"{path} is a link or a submodule in Git, not a file. Name the file itself in the policy.")
    if body is None:
        return f"0 {'0' * 40}\t{path}".encode() + b"\0"
    sha = await _must(await run("hash-object", "-w", "-t", "blob", "--stdin", env=env, stdin=body))
    return f"{mode or '100644'} {sha}\t{path}".encode() + b"\0"


def _identity(author: Author, when: datetime) -> dict[str, str]:
    if not (_ONE_LINE.fullmatch(author.name) and _ONE_LINE.fullmatch(author.email)):
        raise PermanentError(
            "the author of commits needs a name and an e-mail without < > or line breaks: see settings."
        )
    date = f"{int(when.timestamp())} +0000"
    return {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", author.name), ("EMAIL", author.email), ("DATE", date))
    }


def _person(field: str) -> tuple[Author, datetime]:
    who, _, rest = field.partition("> ")
    name, _, email = who.partition("<")
    return Author(name=name.strip(), email=email), datetime.fromtimestamp(int(rest.split(" ")[0]), UTC)


async def _must(finished: Finished) -> str:
    if finished.code == 0:
        return finished.output.decode().strip()
    raise PermanentError(
        f"Git could not make the commit: {finished.errors.strip()[:300]}. "
        "Look at the mirror's disk; deleting the mirror is safe, it is fetched again."
    )
