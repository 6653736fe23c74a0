"""A rollback without the bot: the commit it would make, built from a checkout of the config repository alone."""

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.acting.undoing import taken_back
from bot.actions import RollBack
from bot.cli.endings import Code, Ending
from bot.clients.git import Author, GitMirror
from bot.errors import PermanentError
from bot.keys import EnvironmentKey
from bot.looking.git_truth import GitTruth
from bot.looking.images import Images
from bot.messages import undoing_commit
from bot.records import Failure
from bot.releases import Release
from bot.tenants import Tenant
from config.policy import POLICY_FILE, Policy

SEARCHED = 200
"""How many versions of the release file are searched for the one to go back to."""
DEADLINE = 60
"""Seconds a git command may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants. version: the one to take back, empty for what is declared; to: where to go back to."""

    application: str
    environment: str
    tenant: str
    to: str
    version: str
    reason: str
    deny: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A clone on this machine, at its current branch, and who works in it."""

    root: Path
    branch: str
    author: Author


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The commit, and what was decided on the way. patch: as `git am` takes it."""

    sha: str
    action: RollBack
    policy: Policy
    patch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repository:
    policy: Policy
    git: GitTruth


def checkout(root: Path) -> Checkout:
    """The clone at this path; Ending when it is none, is on no branch, or does not know who commits."""
    branch = _git(root, "symbolic-ref", "--short", "HEAD").strip()
    author = Author(name=_git(root, "config", "user.name").strip(), email=_git(root, "config", "user.email").strip())
    return Checkout(root=root.resolve(), branch=branch, author=author)


async def build(found: Checkout, wish: Wish, now: datetime, *, push: bool) -> Made:
    """Make the commit on what the checkout's branch has committed; with `push` it gets a new branch there.

    PermanentError when the policy or a release is not there, or a branch of this name is.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mirror.git"
        mirror = GitMirror(path, str(found.root), lambda: "", found.author)
        try:
            await mirror.fetch()
            tenant = Tenant(name=wish.tenant, config_project=str(found.root), branch=found.branch, projects=())
            action, policy, sha = await _commit(GitTruth(tenant, mirror, Images({})), found, wish, now)
            if push:
                await _push(mirror, action.key.rollback_branch, sha)
            patch = _git(path, "format-patch", "-1", "--stdout", sha)
        finally:
            await mirror.close()
    return Made(sha=sha, action=action, policy=policy, patch=patch)


async def _commit(git: GitTruth, found: Checkout, wish: Wish, now: datetime) -> tuple[RollBack, Policy, str]:
    base = await git.head()
    policy = await git.policy(base)
    if wish.environment not in policy.environments_of(wish.application):
        raise PermanentError(
            f"{POLICY_FILE} has no application {wish.application!r} in an environment {wish.environment!r}. "
            "Mend the names; the policy lists both."
        )
    action = await _action(git, base, found, wish, now)
    files = await taken_back(action, _Repository(policy=policy, git=git), base)
    if files is None:
        raise PermanentError(f"{wish.environment} went back to {wish.to} already at {base[:8]}: nothing is to be done.")
    return action, policy, await git.mirror.commit_on(base, files, message=undoing_commit(action), when=now)


async def _action(git: GitTruth, base: str, found: Checkout, wish: Wish, now: datetime) -> RollBack:
    key = EnvironmentKey(wish.tenant, wish.application, wish.environment)
    declared = await git.proposed(base, key)
    if declared is None or wish.version not in ("", declared.name):
        raise PermanentError(
            f"{wish.environment} declares {declared.name if declared else 'no release'} at {base[:8]}, "
            f"not {wish.version or 'one that could go back'}: nothing is taken back. Fetch, then look again."
        )
    back_to = await _earlier(git, base, key, wish.to)
    if back_to.id == declared.id or any(d.image.digest in _digests(back_to) for d in await git.denials(base, key)):
        raise PermanentError(f"{wish.to} is declared now or denied in {wish.environment}: name another one with --to.")
    who = found.author.name
    failure = Failure(kind="unknown", cause="person", evidence=f"person {who}", because=wish.reason, at=now)
    return RollBack(
        key=key,
        release=declared,
        back_to=back_to,
        failure=failure,
        deny=wish.deny,
        by=who,
        way="commit",
        people=(),
        because=f"{who} took back {declared.name} in {wish.environment} without the bot: {wish.reason}",
    )


async def _earlier(git: GitTruth, base: str, key: EnvironmentKey, version: str) -> Release:
    """The newest release of this version that the environment ever declared."""
    path = Policy.release_file(key.application, key.environment)
    known: dict[str, Release] = {}
    for commit in await git.mirror.history(base, limit=SEARCHED, path=path):
        release = await git.proposed(commit.sha, key)
        if release is not None:
            known.setdefault(release.name, release)
    if version in known:
        return known[version]
    raise PermanentError(
        f"{key.environment} never declared {version}, so nobody saw it run there. "
        f"It declared {', '.join(known) or 'nothing'}: name one of them with --to."
    )


def _digests(release: Release) -> frozenset[str]:
    return frozenset(image.digest for image in release.images)


async def _push(mirror: GitMirror, branch: str, sha: str) -> None:
    if await mirror.head(branch) is not None:
        raise PermanentError(f"there is a branch {branch} already: look at it, and delete it with git branch -D.")
    await mirror.push(sha, branch, lease=None)


def _git(root: Path, *arguments: str) -> str:
    """What git says about a repository here, with its own configuration; Ending when it says no."""
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode != 0:
        said = done.stderr.strip() or "there is no value"
        raise Ending(Code.USAGE, f"`git {' '.join(arguments)}` failed in {root}: {said}. Mend it, or name --repo.")
    return done.stdout
