"""The mirror against real repositories: over files, and over smart HTTP with tokens and rights."""

import asyncio
import base64
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clients.git import Author, Fence, GitMirror, PushRefused, with_trailer
from bot.errors import PermanentError, StaleError, TemporaryError

BOT = Author(name="Sluice", email="sluice@example.org")
WHEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
TOKEN = "glpat-for-tests-only"


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    identity = {"GIT_AUTHOR_NAME": "developer", "GIT_AUTHOR_EMAIL": "developer@example.org"}
    identity |= {"GIT_COMMITTER_NAME": "developer", "GIT_COMMITTER_EMAIL": "developer@example.org"}
    env = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


class Remote:
    """A bare repository and a developer's clone of it."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.clone = folder / "remote.git", folder / "clone"
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(folder, "clone", "-q", str(self.bare), str(self.clone))
        git(self.clone, "checkout", "-q", "-b", "main")

    def commit(self, message: str, *, branch: str = "main", **files: str) -> str:
        git(self.clone, "checkout", "-q", "-B", branch)
        for name, text in files.items():
            path = self.clone / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "--allow-empty", "-m", message)
        git(self.clone, "push", "-q", "-f", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.clone, "rev-parse", "HEAD")

    def commit_back(self) -> None:
        git(self.clone, "checkout", "-q", "main")

    def head(self, branch: str) -> str:
        return git(self.bare, "rev-parse", f"refs/heads/{branch}")


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path)


@pytest.fixture
async def mirror(tmp_path: Path, remote: Remote) -> AsyncIterator[GitMirror]:
    made = GitMirror(tmp_path / "mirror.git", str(remote.bare), lambda: "", BOT)
    yield made
    await made.close()


async def test_files_are_read_at_any_revision(mirror: GitMirror, remote: Remote) -> None:
    first = remote.commit("one", apps__shop_yaml="tag: 1\n")
    second = remote.commit("two", apps__shop_yaml="tag: 2\n", other_txt="x")

    assert await mirror.read(first, "apps/shop.yaml") == b"tag: 1\n"
    assert await mirror.read("main", "apps/shop.yaml") == b"tag: 2\n"
    assert await mirror.read(first, "other.txt") is None
    assert await mirror.read(second, "apps") is None
    assert await mirror.head("main") == second
    assert await mirror.head("missing") is None
    assert await mirror.list(second, "apps") == ("apps/shop.yaml",)
    assert await mirror.list(first) == ("apps/shop.yaml",)


async def test_a_fetch_brings_new_branches_and_drops_deleted_ones(mirror: GitMirror, remote: Remote) -> None:
    remote.commit("one", a_txt="1")
    remote.commit("side", branch="side", a_txt="2")
    await mirror.fetch()
    git(remote.clone, "push", "-q", "origin", ":side")
    newest = remote.commit("three", branch="other", a_txt="3")

    await mirror.fetch()

    assert await mirror.head("side") is None
    assert await mirror.head("other") == newest


async def test_callers_during_a_fetch_share_the_next_one(
    mirror: GitMirror, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.commit("one", a_txt="1")
    fetches: list[str] = []
    talk = mirror._talk

    async def counted(*arguments: str) -> object:
        fetches.append(arguments[0])
        return await talk(*arguments)

    monkeypatch.setattr(mirror, "_talk", counted)
    running = asyncio.create_task(mirror.fetch())
    while not fetches:
        await asyncio.sleep(0)
    newer = remote.commit("two", a_txt="2")

    await asyncio.gather(running, *(mirror.fetch() for _ in range(20)))

    assert len(fetches) == 2
    assert await mirror.head("main") == newer


async def test_an_unknown_revision_is_not_mistaken_for_a_missing_file(mirror: GitMirror, remote: Remote) -> None:
    remote.commit("one", a_txt="1")
    await mirror.fetch()

    with pytest.raises(TemporaryError, match="has no revision"):
        await mirror.read("f" * 40, "a.txt")


async def test_a_tag_cannot_hide_a_branch_of_the_same_name(mirror: GitMirror, remote: Remote) -> None:
    old = remote.commit("one", a_txt="old")
    git(remote.clone, "tag", "main", old)
    git(remote.clone, "push", "-q", "origin", "refs/tags/main")
    remote.commit("two", a_txt="new")
    await mirror.fetch()

    assert await mirror.read("main", "a.txt") == b"new"


async def test_the_object_reader_survives_the_death_of_its_process(mirror: GitMirror, remote: Remote) -> None:
    remote.commit("one", a_txt="1")
    await mirror.fetch()
    await mirror.read("main", "a.txt")
    process = mirror._objects._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)

    assert await mirror.read("main", "a.txt") == b"1"


async def test_ancestry_and_changes_are_answered_locally(mirror: GitMirror, remote: Remote) -> None:
    first = remote.commit("one", a_txt="1")
    second = remote.commit("two", b_txt="2")
    aside = remote.commit("aside", branch="aside", c_txt="3")
    await mirror.fetch()

    assert await mirror.contains(first, second)
    assert not await mirror.contains(aside, second)
    assert await mirror.changed_paths(first, aside) == ("b.txt", "c.txt")
    assert [commit.subject for commit in await mirror.history("aside", since=first)] == ["aside", "two"]


async def test_the_same_commit_made_twice_has_the_same_sha(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1", gone_txt="x", keep_txt="k")
    await mirror.fetch()
    files = {"apps/shop.yaml": b"tag: 2\n", "gone.txt": None, "a.txt": b"2"}
    message = with_trailer("Promote shop 2 to staging", "promote:shop@staging:2")

    made = await mirror.commit_on(base, files, message=message, when=WHEN)
    again = await mirror.commit_on("main", files, message=message, when=WHEN)

    assert made == again
    assert await mirror.list(made) == ("a.txt", "apps/shop.yaml", "keep.txt")
    commit = await mirror.commit(made)
    assert (commit.author, commit.committer, commit.when, commit.parents) == (BOT, BOT, WHEN, (base,))
    assert commit.trailer("Sluice-Effect") == "promote:shop@staging:2"


async def test_a_commit_that_changes_nothing_is_its_base(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()

    assert await mirror.commit_on(base, {"a.txt": b"1", "none.txt": None}, message="m", when=WHEN) == base


async def test_modes_stay_and_links_are_not_written_through(mirror: GitMirror, remote: Remote) -> None:
    (remote.clone / "link").symlink_to("run.sh")
    (remote.clone / "run.sh").write_text("1")
    (remote.clone / "run.sh").chmod(0o755)
    base = remote.commit("one")
    await mirror.fetch()

    made = await mirror.commit_on(base, {"run.sh": b"2"}, message="m", when=WHEN)

    await mirror.push(made, "side", lease=None)
    assert git(remote.bare, "ls-tree", made, "run.sh").startswith("100755 ")
    with pytest.raises(PermanentError, match="link or a submodule"):
        await mirror.commit_on(base, {"link": b"2"}, message="m", when=WHEN)


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a//b", ".git/config", "a/.GIT/x", "git~1/x", "a\nb", "", "a/./b", "x\\y"]
)
async def test_paths_that_leave_the_tree_are_refused(mirror: GitMirror, remote: Remote, path: str) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()

    with pytest.raises(PermanentError, match="no path"):
        await mirror.commit_on(base, {path: b"2"}, message="m", when=WHEN)


async def test_a_push_with_a_lease_never_overwrites_a_person(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    ours = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    assert await mirror.push(ours, "sluice/staging/shop", lease=None)
    theirs = remote.commit("mine", branch="sluice/staging/shop", a_txt="3")
    newer = await mirror.commit_on(base, {"a.txt": b"4"}, message="m", when=WHEN)

    with pytest.raises(StaleError, match="has moved"):
        await mirror.push(newer, "sluice/staging/shop", lease=ours)
    with pytest.raises(StaleError, match="has moved"):
        await mirror.push(newer, "sluice/staging/shop", lease=None)

    assert remote.head("sluice/staging/shop") == theirs


async def test_a_push_replaces_exactly_what_the_lease_names(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    first = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    second = await mirror.commit_on(base, {"a.txt": b"3"}, message="m", when=WHEN)
    await mirror.push(first, "sluice/staging/shop", lease=None)

    assert await mirror.push(second, "sluice/staging/shop", lease=first)
    assert not await mirror.push(second, "sluice/staging/shop", lease=first), "done already: nothing new"

    assert remote.head("sluice/staging/shop") == second
    assert await mirror.head("sluice/staging/shop") == second


async def test_the_default_branch_is_only_ever_moved_forward(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    ours = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    theirs = remote.commit("quicker", b_txt="1")

    with pytest.raises(StaleError):
        await mirror.push_default(ours, "main", expected_parent=base)
    assert remote.head("main") == theirs

    await mirror.fetch()
    again = await mirror.commit_on(theirs, {"a.txt": b"2"}, message="m", when=WHEN)
    assert await mirror.push_default(again, "main", expected_parent=theirs)
    assert remote.head("main") == again
    with pytest.raises(PermanentError, match="does not come after"):
        await mirror.push_default(ours, "main", expected_parent=again)


async def test_a_branch_is_deleted_only_by_lease(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    moved = remote.commit("two", branch="side", a_txt="2")
    await mirror.fetch()

    with pytest.raises(StaleError):
        await mirror.delete("side", lease=base)
    assert await mirror.delete("side", lease=moved)

    assert await mirror.head("side") is None
    assert not await mirror.delete("side", lease=moved)


class Asked:
    """A fence that notes whether the mirror was held when it was asked, and may refuse."""

    def __init__(self, mirror: GitMirror, *, refuses: bool = False) -> None:
        self.mirror, self.refuses = mirror, refuses
        self.held: list[bool] = []

    def fence(self, seconds: float) -> Fence:
        return Fence(before_write=self.ask, within=timedelta(seconds=seconds))

    async def ask(self) -> None:
        self.held.append(self.mirror._writing.locked())
        if self.refuses:
            raise StaleError("the claim was lost")


async def test_a_push_asks_last_and_once(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    asked = Asked(mirror)

    await mirror.push_default(made, "main", expected_parent=base, fence=asked.fence(60))

    assert asked.held == [True]
    assert remote.head("main") == made


async def test_a_push_that_is_no_longer_allowed_is_not_made(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    asked = Asked(mirror, refuses=True)

    with pytest.raises(StaleError, match="claim was lost"):
        await mirror.push(made, "main", lease=base, fence=asked.fence(60))
    with pytest.raises(StaleError, match="claim was lost"):
        await mirror.delete("main", lease=base, fence=asked.fence(60))

    assert remote.head("main") == base
    assert not mirror._writing.locked()


async def test_a_push_that_waits_too_long_for_a_fetch_is_not_made(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    asked = Asked(mirror)

    async with mirror._writing:
        with pytest.raises(TemporaryError, match="was not begun within"):
            await mirror.push_default(made, "main", expected_parent=base, fence=asked.fence(0.1))
        with pytest.raises(TemporaryError, match="was not begun within"):
            await mirror.delete("main", lease=base, fence=asked.fence(0.1))

    assert asked.held == []
    await mirror.fetch()
    assert remote.head("main") == base


async def test_a_push_that_was_allowed_too_late_is_not_made(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)

    async def slowly() -> None:
        await asyncio.sleep(0.2)

    fence = Fence(before_write=slowly, within=timedelta(seconds=0.1))
    with pytest.raises(TemporaryError, match="was not begun within"):
        await mirror.push_default(made, "main", expected_parent=base, fence=fence)

    assert remote.head("main") == base


async def test_a_commit_is_found_by_its_effect(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message=with_trailer("Roll back", "rollback:7"), when=WHEN)
    await mirror.push_default(made, "main", expected_parent=base)

    found = await mirror.find_effect("main", "rollback:7")

    assert found is not None
    assert found.sha == made
    assert await mirror.find_effect("main", "rollback:8") is None


@pytest.mark.parametrize("revision", ["-x", "a b", "a:b", "a..b", "main~1", "HEAD@{1}", ""])
async def test_odd_revisions_never_reach_git(mirror: GitMirror, remote: Remote, revision: str) -> None:
    remote.commit("one", a_txt="1")
    await mirror.fetch()

    with pytest.raises(PermanentError, match="no revision"):
        await mirror.read(revision, "a.txt")


async def test_a_repository_that_is_not_there_needs_a_person(tmp_path: Path) -> None:
    mirror = GitMirror(tmp_path / "mirror.git", str(tmp_path / "nowhere.git"), lambda: "", BOT)

    with pytest.raises(PermanentError, match="no such repository"):
        await mirror.fetch()

    await mirror.close()


class SmartHttp:
    """`git http-backend` behind aiohttp: any token reads, `writable` decides about pushes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writable = True
        self.status: int | None = None
        self.seen: list[str] = []
        self.taking_pushes = asyncio.Event()
        self.taking_pushes.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request.headers.get("Authorization", ""))
        if self.status is not None:
            return web.Response(status=self.status, text="no")
        expected = "Basic " + base64.b64encode(f"oauth2:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != expected:
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Basic realm="GitLab"'}, text="HTTP Basic: Access denied"
            )
        if "receive-pack" in request.path_qs:
            await self.taking_pushes.wait()
        if not self.writable and "receive-pack" in request.path_qs:
            return web.Response(status=403, text="You are not allowed to push code to this project.")
        return await self._backend(request)

    async def _backend(self, request: web.Request) -> web.Response:
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "bot",
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate(await request.read())
        head, _, body = output.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(fields.pop("Status", "200").split(" ")[0])
        return web.Response(status=status, headers=fields, body=body)


@pytest.fixture
async def smart(tmp_path: Path, remote: Remote) -> AsyncIterator[tuple[SmartHttp, str]]:
    backend = SmartHttp(tmp_path)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", backend.handle)
    async with TestServer(application) as server:
        yield backend, str(server.make_url("/remote.git"))


async def test_the_token_travels_in_a_header_and_is_stored_nowhere(
    smart: tuple[SmartHttp, str], remote: Remote, tmp_path: Path
) -> None:
    backend, url = smart
    base = remote.commit("one", a_txt="1")
    mirror = GitMirror(tmp_path / "mirror.git", url, lambda: TOKEN, BOT)

    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    await mirror.push(made, "sluice/staging/shop", lease=None)

    assert remote.head("sluice/staging/shop") == made
    assert all(seen.startswith("Basic ") for seen in backend.seen)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "mirror.git").rglob("*") if path.is_file())
    assert TOKEN.encode() not in stored
    await mirror.close()


async def test_a_push_to_a_slow_server_ends_with_its_time(
    smart: tuple[SmartHttp, str], remote: Remote, tmp_path: Path
) -> None:
    backend, url = smart
    base = remote.commit("one", a_txt="1")
    mirror = GitMirror(tmp_path / "mirror.git", url, lambda: TOKEN, BOT)
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    backend.taking_pushes.clear()
    asked = Asked(mirror)

    with pytest.raises(TemporaryError, match="git push took longer"):
        await mirror.push(made, "main", lease=base, fence=asked.fence(0.5))
    backend.taking_pushes.set()
    await mirror.fetch()

    assert asked.held == [True]
    assert (remote.head("main"), await mirror.head("main")) == (base, base)
    assert await mirror.push(made, "main", lease=base, fence=asked.fence(60))
    await mirror.close()


async def test_a_bad_token_a_missing_right_and_a_broken_server_are_told_apart(
    smart: tuple[SmartHttp, str], remote: Remote, tmp_path: Path
) -> None:
    backend, url = smart
    base = remote.commit("one", a_txt="1")
    tokens = ["wrong-token"]
    mirror = GitMirror(tmp_path / "mirror.git", url, lambda: tokens[-1], BOT)

    with pytest.raises(PermanentError, match="does not accept the token") as refused:
        await mirror.fetch()
    assert "wrong-token" not in str(refused.value)

    tokens.append(TOKEN)
    await mirror.fetch()
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)
    backend.writable = False
    with pytest.raises(PermanentError, match="may not write"):
        await mirror.push(made, "side", lease=None)

    backend.status = 502
    with pytest.raises(TemporaryError, match="tried again by itself") as broken:
        await mirror.fetch()
    assert not isinstance(broken.value, StaleError)
    backend.status = 404
    with pytest.raises(PermanentError, match="no such repository"):
        await mirror.fetch()
    await mirror.close()


async def test_a_protected_branch_is_named_with_what_to_do(mirror: GitMirror, remote: Remote) -> None:
    base = remote.commit("one", a_txt="1")
    await mirror.fetch()
    hook = remote.bare / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\necho 'GitLab: You are not allowed to push code to protected branches on this project.' >&2\n"
        "exit 1\n"
    )
    hook.chmod(0o755)
    made = await mirror.commit_on(base, {"a.txt": b"2"}, message="m", when=WHEN)

    with pytest.raises(PushRefused, match=r"You are not allowed to push code to protected branches.*Let the user push"):
        await mirror.push_default(made, "main", expected_parent=base)

    hook.write_text("#!/bin/sh\necho 'GitLab: Internal API unreachable' >&2\nexit 1\n")
    with pytest.raises(TemporaryError, match="Internal API unreachable"):
        await mirror.push_default(made, "main", expected_parent=base)


async def test_a_server_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", hang)
    monkeypatch.setattr("bot.clients.git.mirror.REMOTE_TIMEOUT", 0.5)
    async with TestServer(application) as server:
        mirror = GitMirror(tmp_path / "mirror.git", str(server.make_url("/remote.git")), lambda: TOKEN, BOT)

        with pytest.raises(TemporaryError, match="took longer"):
            await mirror.fetch()

        release.set()
        await mirror.close()


BASE = "".join(f"line {number}\n" for number in range(30))


async def changes(mirror: GitMirror, remote: Remote, **onto: str) -> str:
    """What a branch changes that is built anew on a main that moved on by these files."""
    remote.commit("moved on", **onto)
    remote.commit("promote", branch="sluice/x", release_yaml=BASE.replace("line 9\n", "line nine\n"))
    remote.commit_back()
    await mirror.fetch()
    return await mirror.change("main", "sluice/x")


async def test_a_change_is_the_same_wherever_it_is_built(mirror: GitMirror, remote: Remote) -> None:
    remote.commit("base", release_yaml=BASE)
    first = await changes(mirror, remote, other_yaml="1")

    assert len(first) == 64
    assert await changes(mirror, remote, other_yaml="2") == first
    assert await changes(mirror, remote, release_yaml="earlier\n" + BASE) != first


@pytest.mark.parametrize(
    "other", [BASE.replace("line 9\n", "line 9!\n"), BASE.replace("line 9\n", "  line nine\n"), BASE + "more\n"]
)
async def test_another_change_is_another_one(mirror: GitMirror, remote: Remote, other: str) -> None:
    remote.commit("base", release_yaml=BASE)
    first = await changes(mirror, remote, other_yaml="1")

    remote.commit("something else", branch="sluice/y", release_yaml=other)
    await mirror.fetch()

    assert await mirror.change("main", "sluice/y") not in ("", first)


async def test_no_change_and_a_branch_of_another_root_are_empty(mirror: GitMirror, remote: Remote) -> None:
    remote.commit("base", release_yaml=BASE)
    git(remote.clone, "checkout", "-q", "--orphan", "alone")
    remote.commit("alone", branch="alone", release_yaml="x")
    await mirror.fetch()

    assert await mirror.change("main", "main") == ""
    assert await mirror.change("main", "alone") == ""
