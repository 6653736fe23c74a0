"""A promotion's branch and merge request: one commit that edits the release file, and what else is its to write."""

from dataclasses import replace

import structlog

from bot.acting.breaker import ThreadQuiet
from bot.acting.edits import Files, declares, pin_at, pinned_away, positions, tagged
from bot.acting.hands import Done, Hands
from bot.acting.landing import merge_at
from bot.acting.speaking import say
from bot.actions import ClosePromotion, MergePromotion, ProposePromotion
from bot.clients.gitlab.effects.merge_requests import (
    WantedMergeRequest,
    ensure_merge_request,
    ensure_merge_request_closed,
)
from bot.errors import StaleError
from bot.messages import (
    CLOSING_MARKER,
    closing_note,
    merge_commit,
    promotion_commit,
    promotion_description,
    promotion_labels,
    promotion_title,
)
from config.policy import EnvironmentPolicy

log = structlog.get_logger(__name__)


async def propose(action: ProposePromotion, hands: Hands) -> Done:
    """The branch holds the edit, and the one merge request asks for it."""
    environment = hands.policy.environment(action.key.application, action.key.environment)
    pushed = action.rebuild and await _ensure_branch(action, environment, hands)
    pin = await pin_at(await hands.git.head(), action.key, hands)
    shown = replace(action, release=tagged(action.release, environment))
    wanted = WantedMergeRequest(
        source_branch=action.key.branch,
        target_branch=hands.tenant.branch,
        title=promotion_title(replace(action, draft=False)),
        description=promotion_description(shown, pin=pin, lifts=environment.delivery != "image_automation"),
        labels=frozenset(promotion_labels(action)),
        draft=action.draft,
    )
    made = await ensure_merge_request(hands.api, hands.tenant.config_project, wanted)
    return Done(external_id=made.external_id, wrote=made.wrote or pushed)


async def _ensure_branch(action: ProposePromotion, environment: EnvironmentPolicy, hands: Hands) -> bool:
    """Build the branch on the default branch as it is now; a person's commit on it is never overwritten."""
    branch, mirror = action.key.branch, hands.mirror
    base = await hands.git.head()
    standing = await mirror.head(branch)
    if standing is not None and not await hands.git.is_ours(standing):
        raise StaleError(f"a person committed to {branch}: it is left as it is.")
    files = await edits(action, environment, base, hands)
    # The base's own moment, so that the same edit on the same base is the same commit however often it is made.
    when = (await mirror.commit(base)).when
    commit = await mirror.commit_on(base, files, message=promotion_commit(action), when=when)
    if commit == standing:
        return False
    await mirror.push(commit, branch, lease=standing, fence=hands.fence)
    return True


async def edits(action: ProposePromotion, environment: EnvironmentPolicy, base: str, hands: Hands) -> Files:
    """The changed files. Who writes the positions writes them: image automation after the merge, or this commit.

    A commit that moves the positions takes a pin away with it; otherwise the pin stays until they were moved.
    """
    files = declares(action.release, action.key, hands)
    if environment.delivery == "image_automation":
        return files
    files |= await positions(action.release, action.key, base, hands)
    return {**files, **await pinned_away(base, action.key, hands)}


async def merge(action: MergePromotion, hands: Hands) -> Done:
    """The merge request is merged at exactly the judged head; anything in the way is looked at again."""
    return await merge_at(hands, action.merge_request, action.sha, merge_commit(action))


async def close(action: ClosePromotion, hands: Hands) -> Done:
    """The merge request says why it is closed, and is; a thread that is left alone is closed without a word."""
    project = hands.tenant.config_project
    try:
        await say(hands, project, action.merge_request, marker=CLOSING_MARKER, body=closing_note(action))
    except ThreadQuiet as error:
        log.warning("closed without a note", merge_request=action.merge_request, because=str(error))
    closed = await ensure_merge_request_closed(hands.api, project, action.merge_request)
    return Done(external_id=closed.external_id, wrote=closed.wrote)
