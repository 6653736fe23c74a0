"""A bare mirror of one repository: fetched once for all who wait, read at any revision, pushed to by lease only."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from bot.clients.git.batch import GitObject, ObjectReader
from bot.clients.git.commits import EFFECT_TRAILER, Author, CommitInfo, check_path, make_commit, parse_commit
from bot.clients.git.failures import failed, rejected_push
from bot.clients.git.fence import UNFENCED, Fence, turn
from bot.clients.git.process import REMOTE_TIMEOUT, Finished, TokenSource, environment, run
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.tracing.spans import exited, remote_git

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NO_REVISION = re.compile(r"^-|[\s:^~?*\[\\\x00-\x1f\x7f]|\.\.|@\{|^$")
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class GitMirror:
    """One repository at `url` (https, http, or a path), mirrored at `path`, which may be deleted at any time.

    Revisions are whole shas, branches or tags, in this order. `token_source` gives an empty text where no
    token is needed.
    """

    def __init__(self, path: Path, url: str, token_source: TokenSource, author: Author) -> None:
        self._path = path.absolute()
        self._url = url
        self._token_source = token_source
        self._author = author
        self._local = environment(self._path, url)
        self._objects = ObjectReader(self._local)
        self._writing = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._queued: asyncio.Task[None] | None = None

    async def fetch(self) -> None:
        """All branches and tags are as new as this call. Callers who come while one runs share the next one.

        TemporaryError: the server is away. PermanentError: no such repository, or no right to it.
        """
        if self._queued is None:
            self._queued = asyncio.create_task(self._fetch_after(self._running))
            self._queued.add_done_callback(_note_failure)
        await asyncio.shield(self._queued)

    async def close(self) -> None:
        """Stop what runs; the mirror stays on the disk."""
        for task in (self._queued, self._running):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._objects.close()

    async def head(self, branch: str) -> str | None:
        """The sha a branch points to as last fetched or pushed, or None."""
        found = await self._object(f"refs/heads/{_revision(branch)}^{{commit}}")
        return found.sha if found is not None else None

    async def resolve(self, revision: str) -> str:
        """The sha of the commit a revision names; TemporaryError when the mirror does not have it (yet)."""
        return (await self._commit(revision)).sha

    async def commit(self, revision: str) -> CommitInfo:
        """A commit; TemporaryError when the mirror does not have it (yet)."""
        found = await self._commit(revision)
        return parse_commit(found.sha, found.body)

    async def read(self, revision: str, path: str) -> bytes | None:
        """A file's bytes at a revision, or None where there is no such file; TemporaryError for an unknown revision."""
        check_path(path)
        sha = revision if _SHA.fullmatch(revision) else await self.resolve(revision)
        found = await self._object(f"{sha}:{path}")
        if found is None:
            await self._commit(sha)
            return None
        return found.body if found.kind == "blob" else None

    async def list(self, revision: str, prefix: str = "") -> tuple[str, ...]:
        """The paths of all files under a folder (or the file itself), sorted as Git sorts them."""
        sha = await self.resolve(revision)
        below = ("--", prefix.rstrip("/")) if prefix else ()
        return _paths(await self._ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", sha, *below))

    async def contains(self, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` is or comes after `ancestor`."""
        older, newer = await self.resolve(ancestor), await self.resolve(descendant)
        finished = await run("merge-base", "--is-ancestor", older, newer, env=self._local)
        if finished.code in (0, 1):
            return finished.code == 0
        raise _local_fault(finished)

    async def changed_paths(self, before: str, after: str) -> tuple[str, ...]:
        """The paths that differ between two revisions; a moved file is two of them."""
        old, new = await self.resolve(before), await self.resolve(after)
        return _paths(await self._ask("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new))

    async def change(self, onto: str, head: str) -> str:
        """What `head` changes since it left `onto`, as 64 hex digits; empty for nothing, or where they never were one.

        As `git patch-id --stable` has it, line numbers do not count, so that a rebase keeps it; unlike there, white
        space does count: in YAML it says what belongs to what.
        """
        base, tip = await self.resolve(onto), await self.resolve(head)
        fork = await run("merge-base", base, tip, env=self._local)
        if fork.code not in (0, 1):
            raise _local_fault(fork)
        if fork.code == 1:
            return ""
        options = ("-r", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv")
        return without_places((await self._ask("diff-tree", *options, fork.output.decode().strip(), tip)).output)

    async def history(
        self, revision: str, *, since: str | None = None, limit: int = 100, path: str = ""
    ) -> tuple[CommitInfo, ...]:
        """The newest commits in `revision` that are not in `since`, newest first; with a path those that changed it."""
        shas = [await self.resolve(revision)]
        if since is not None:
            shas.append(f"^{await self.resolve(since)}")
        if path:
            check_path(path)
            shas += ["--", path]
        listed = (await self._ask("rev-list", f"--max-count={limit}", *shas)).output.decode().split()
        return tuple([await self.commit(sha) for sha in listed])

    async def find_effect(self, revision: str, effect: str, *, limit: int = 200) -> CommitInfo | None:
        """The newest of the last `limit` commits that carries `Sluice-Effect: <effect>`, or None."""
        found = await self.history(revision, limit=limit)
        return next((commit for commit in found if commit.trailer(EFFECT_TRAILER) == effect), None)

    async def commit_on(
        self,
        base_revision: str,
        files: Mapping[str, bytes | None],
        *,
        message: str,
        when: datetime,
        author: Author | None = None,
    ) -> str:
        """The sha of a commit with these files (None removes one) on the base; the base's own sha if nothing changes.

        The same arguments give the same sha. It is on no branch until it is pushed.
        """
        base = await self.resolve(base_revision)
        return await make_commit(
            self._local, base=base, files=files, message=message, author=author or self._author, when=when
        )

    async def push(self, sha: str, branch: str, *, lease: str | None, fence: Fence = UNFENCED) -> bool:
        """The branch points to `sha`, if it pointed to `lease` until now (None: did not exist). Whether that was news.

        StaleError when somebody else moved it; it then keeps what they wrote. PermanentError without the right.
        TemporaryError when the fence's time is over, be it spent on waiting for a fetch or on a slow server.
        """
        ref = f"refs/heads/{_revision(branch)}"
        return await self._push(branch, _sha(sha), fence, f"--force-with-lease={ref}:{_sha(lease) if lease else ''}")

    async def push_default(self, sha: str, branch: str, *, expected_parent: str, fence: Fence = UNFENCED) -> bool:
        """The branch gets `sha` on top, never by force. StaleError when it has moved past `expected_parent`."""
        if not await self.contains(expected_parent, sha):
            raise PermanentError(
                f"{sha[:12]} does not come after {expected_parent[:12]}: it would rewrite {branch}. "
                "Make the commit on the branch's head."
            )
        return await self._push(branch, _sha(sha), fence)

    async def delete(self, branch: str, *, lease: str, fence: Fence = UNFENCED) -> bool:
        """The branch is gone, if it pointed to `lease` until now. StaleError when somebody else moved it."""
        ref = f"refs/heads/{_revision(branch)}"
        options = ("--porcelain", "--no-verify", f"--force-with-lease={ref}:{_sha(lease)}")
        async with turn(self._writing, fence, f"deleting {branch}") as left:
            finished = await self._talk("push", *options, self._url, f":{ref}", within=left)
            if finished.code != 0 and await self._on_server(ref):
                raise rejected_push(branch, finished)
            await run("update-ref", "-d", ref, env=self._local)
        return finished.code == 0

    async def _on_server(self, ref: str) -> bool:
        finished = await self._talk("ls-remote", self._url, ref)
        if finished.code != 0:
            raise failed("listing the repository's branches", finished)
        return bool(finished.output.strip())

    async def _push(self, branch: str, sha: str, fence: Fence, *options: str) -> bool:
        ref = f"refs/heads/{_revision(branch)}"
        arguments = ("--porcelain", "--no-verify", *options, self._url, f"{sha}:{ref}")
        async with turn(self._writing, fence, f"the push to {branch}") as left:
            finished = await self._talk("push", *arguments, within=left)
            if finished.code != 0:
                raise rejected_push(branch, finished)
            updated = await run("update-ref", ref, sha, env=self._local)
            if updated.code != 0:
                raise _local_fault(updated)
        return not re.search(rb"^=", finished.output, re.MULTILINE)

    async def _fetch_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._running, self._queued = self._queued, None
        async with self._writing:
            await self._prepare()
            finished = await self._talk(
                "fetch", "--prune", "--no-write-fetch-head", "--no-auto-maintenance", "--quiet", self._url, *_REFSPECS
            )
        if finished.code != 0:
            raise failed("fetching the repository", finished)

    async def _prepare(self) -> None:
        if (self._path / "HEAD").exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        finished = await run("init", "--bare", "--quiet", env=self._local)
        if finished.code != 0:
            raise _local_fault(finished)

    async def _talk(self, *arguments: str, within: float | None = None) -> Finished:
        env = environment(self._path, self._url, self._token_source())
        with remote_git(arguments[0], self._url) as span:
            finished = await run(*arguments, env=env, timeout=REMOTE_TIMEOUT if within is None else within)
            exited(span, finished.code)
        return finished

    async def _ask(self, *arguments: str) -> Finished:
        finished = await run(*arguments, env={**self._local, "GIT_LITERAL_PATHSPECS": "1"})
        if finished.code != 0:
            raise _local_fault(finished)
        return finished

    async def _commit(self, revision: str) -> GitObject:
        # Git itself would let a tag `main` hide the branch `main`: whoever may push tags could choose what is read.
        named = [f"refs/heads/{_revision(revision)}", f"refs/tags/{revision}"]
        for name in [revision] if _SHA.fullmatch(revision) else named:
            found = await self._object(f"{name}^{{commit}}")
            if found is not None:
                return found
        raise StaleError(f"the mirror has no revision {revision}: it is fetched again before the next look.")

    async def _object(self, name: str) -> GitObject | None:
        if not (self._path / "HEAD").exists():
            await self.fetch()
        return await self._objects.read(name)


def _note_failure(task: asyncio.Task[None]) -> None:
    """Ask for the exception, or asyncio complains when every caller has left."""
    if not task.cancelled():
        task.exception()


def _revision(revision: str) -> str:
    if _NO_REVISION.search(revision):
        raise PermanentError(f"{revision!r} is no revision: give a sha, a branch or a tag.")
    return revision


def _sha(text: str) -> str:
    if _SHA.fullmatch(text) is None:
        raise PermanentError(f"{text!r} is no sha: only whole shas are pushed or leased.")
    return text


def without_places(diff: bytes) -> str:
    """The SHA-256 of a diff without line numbers and blob names, 64 hex digits; empty for an empty diff."""
    if not diff:
        return ""
    lines = (b"@@" if line.startswith(b"@@") else line for line in diff.split(b"\n") if not line.startswith(b"index "))
    return sha256(b"\n".join(lines)).hexdigest()


def _paths(finished: Finished) -> tuple[str, ...]:
    return tuple(path for path in finished.output.decode("utf-8", "replace").split("\0") if path)


def _local_fault(finished: Finished) -> TemporaryError:
    return TemporaryError(
        f"git failed on the mirror: {finished.errors.strip()[:300]}. "
        "Look at the disk; deleting the mirror is safe, it is fetched again."
    )
