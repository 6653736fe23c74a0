"""The one way a change of our own reaches the default branch: a commit, or where that is closed a merge request.

Never by force: a lost race is looked at again. What landed once is recognised by its trailer and not made twice.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.acting.edits import Files
from bot.acting.hands import Done, Hands
from bot.actions import Way
from bot.clients.git import PushRefused
from bot.clients.git.commits import EFFECT_TRAILER
from bot.clients.gitlab.effects.merge_requests import (
    WantedMergeRequest,
    ensure_merge_request,
    ensure_merge_request_closed,
)
from bot.clients.gitlab.effects.merging import Merged, NotYet, Refused, ensure_merged
from bot.clients.gitlab.models import MergeRequest
from bot.clients.gitlab.reads import merge_requests
from bot.errors import StaleError, TemporaryError

log = structlog.get_logger(__name__)

OUTDATED = frozenset({"need_rebase", "conflict", "broken_status"})
"""GitLab's words for a branch that has to be built anew on the head of today (`detailed_merge_status`, 18.x)."""

ROLLBACK = "rollback"
"""How the natural key of a rollback begins; it takes the branch from everything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to land. files: at a revision; None there means that it says so already. StaleError: it says otherwise.

    merging: the message of the merge that follows at once, by merge request; None when a rule or a person merges.
    since: when it was first wanted, by which its commit is dated where the base is older.
    """

    effect_key: str
    branch: str
    message: str
    title: str
    description: str
    labels: tuple[str, ...]
    files: Callable[[str], Awaitable[Files | None]]
    merging: Callable[[int], str] | None = None
    since: datetime | None = None


async def land(change: Change, way: Way, hands: Hands) -> Done:
    """The change is on the default branch, or asked for by its merge request when that is the way left."""
    await hands.mirror.fetch()
    base = await hands.git.head()
    landed = await hands.mirror.find_effect(base, change.effect_key)
    files = None if landed is not None else await change.files(base)
    if files is None:
        closed = await _close_the_other_way(change, hands)
        return Done(external_id=landed.sha if landed else base, wrote=closed)
    if way == "commit":
        try:
            done = await _push(change, files, base, hands)
            await _close_the_other_way(change, hands)
            return done
        except PushRefused as error:
            log.warning("the default branch is closed to us", effect=change.effect_key, because=str(error))
    return await _ask(change, files, base, hands)


async def _push(change: Change, files: Files, base: str, hands: Hands) -> Done:
    commit = await _commit(change, files, base, hands)
    await hands.mirror.push_default(commit, hands.tenant.branch, expected_parent=base, fence=hands.fence)
    return Done(external_id=commit, wrote=True)


async def _close_the_other_way(change: Change, hands: Hands) -> bool:
    """What landed as a commit is no longer asked for by a merge request, left from when the branch was closed to us."""
    standing = await hands.mirror.head(change.branch)
    if standing is None or (await hands.mirror.commit(standing)).trailer(EFFECT_TRAILER) != change.effect_key:
        return False
    project = hands.tenant.config_project
    closed = [await ensure_merge_request_closed(hands.api, project, one.iid) for one in await _open(change, hands)]
    return any(one.wrote for one in closed)


async def _commit(change: Change, files: Files, base: str, hands: Hands) -> str:
    # Never the moment of writing, so that the same edit on the same base is the same commit however often it is made.
    when = (await hands.mirror.commit(base)).when
    when = max(when, change.since) if change.since else when
    return await hands.mirror.commit_on(base, files, message=change.message, when=when)


async def _ask(change: Change, files: Files, base: str, hands: Hands) -> Done:
    """The branch and its merge request; merged at once where the change says so."""
    await _wait_for_others(change, base, hands)
    pushed = await _ensure_branch(change, files, base, hands)
    wanted = WantedMergeRequest(
        source_branch=change.branch,
        target_branch=hands.tenant.branch,
        title=change.title,
        description=change.description,
        labels=frozenset(change.labels),
    )
    made = await ensure_merge_request(hands.api, hands.tenant.config_project, wanted)
    if made.value.detailed_merge_status in OUTDATED and not pushed:
        pushed = await _ensure_branch(change, files, base, hands, anew=True)
    if change.merging is not None:
        head = await hands.mirror.head(change.branch) or ""
        return await merge_at(hands, made.value.iid, head, change.merging(made.value.iid))
    return Done(external_id=made.external_id, wrote=made.wrote or pushed)


async def _wait_for_others(change: Change, base: str, hands: Hands) -> None:
    """One change at a time has the branch: TemporaryError while one of another kind waits there to be merged.

    A rollback waits for nobody, and of one kind the newest counts.
    """
    standing = await hands.mirror.head(change.branch)
    if standing is None or _kind(change.effect_key) == ROLLBACK:
        return
    theirs = (await hands.mirror.commit(standing)).trailer(EFFECT_TRAILER)
    if _kind(theirs) in ("", _kind(change.effect_key)) or await hands.mirror.contains(standing, base):
        return
    if waiting := await _open(change, hands):
        raise TemporaryError(
            f"!{waiting[0].iid} ({waiting[0].title}) lands first. {change.title} is tried again after it; "
            "merge or close that one if it waits for nothing."
        )


def _kind(effect_key: str) -> str:
    return effect_key.partition(":")[0]


async def _open(change: Change, hands: Hands) -> tuple[MergeRequest, ...]:
    project, branch = hands.tenant.config_project, change.branch
    found = await merge_requests(hands.api, project, state="opened", source_branch=branch)
    return tuple(one for one in found if not one.from_fork)


async def _ensure_branch(change: Change, files: Files, base: str, hands: Hands, *, anew: bool = False) -> bool:
    """The branch holds the change; one that holds it still fits, a newer head alone builds nothing anew."""
    standing = await hands.mirror.head(change.branch)
    if standing is not None and not await hands.git.is_ours(standing):
        raise StaleError(f"a person committed to {change.branch}: it is left as it is. Merge it, or delete the branch.")
    if standing is not None and not anew and await _fits(change, standing, files, hands):
        return False
    commit = await _commit(change, files, base, hands)
    if commit == standing:
        return False
    return await hands.mirror.push(commit, change.branch, lease=standing, fence=hands.fence)


async def _fits(change: Change, standing: str, files: Files, hands: Hands) -> bool:
    """Whether the branch's head is this change, and says what the change would say on the head of today."""
    if (await hands.mirror.commit(standing)).trailer(EFFECT_TRAILER) != change.effect_key:
        return False
    return await _all_equal(files.items(), standing, hands)


async def _all_equal(files: Iterable[tuple[str, bytes | None]], revision: str, hands: Hands) -> bool:
    for path, body in files:
        if await hands.mirror.read(revision, path) != body:
            return False
    return True


async def merge_at(hands: Hands, iid: int, sha: str, message: str) -> Done:
    """The merge request is merged at exactly this head; anything in the way is looked at again."""
    outcome = await ensure_merged(hands.api, hands.tenant.config_project, iid, sha=sha, message=message)
    match outcome:
        case Merged(landed=landed, wrote=wrote):
            return Done(external_id=landed, wrote=wrote)
        case NotYet(because=because):
            raise TemporaryError(f"!{iid} is not merged yet: {because}. It is tried again.")
        case Refused(because=because):
            raise StaleError(f"!{iid} cannot be merged as it is: {because}. It is looked at again.")
