"""A promotion's branch and merge request: one commit that edits the release file and the image positions."""

from dataclasses import replace

from bot.acting.hands import Done, Hands
from bot.actions import ClosePromotion, MergePromotion, ProposePromotion
from bot.clients.gitlab.effects.merge_requests import (
    WantedMergeRequest,
    ensure_merge_request,
    ensure_merge_request_closed,
)
from bot.clients.gitlab.effects.merging import Merged, NotYet, Refused, ensure_merged
from bot.clients.gitlab.effects.notes import ensure_note
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.messages import (
    CLOSING_MARKER,
    closing_note,
    merge_commit,
    promotion_commit,
    promotion_description,
    promotion_labels,
    promotion_title,
)
from bot.positions import place, release_file
from bot.releases import Release
from config.policy import EnvironmentPolicy


async def propose(action: ProposePromotion, hands: Hands) -> Done:
    """The branch holds the edit, and the one merge request asks for it."""
    environment = hands.policy.environment(action.key.application, action.key.environment)
    pushed = action.rebuild and await _ensure_branch(action, environment, hands)
    wanted = WantedMergeRequest(
        source_branch=action.key.branch,
        target_branch=hands.tenant.branch,
        title=promotion_title(replace(action, draft=False)),
        description=promotion_description(action),
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
    await hands.about_to_write()
    await mirror.push(commit, branch, lease=standing)
    return True


async def edits(
    action: ProposePromotion, environment: EnvironmentPolicy, base: str, hands: Hands
) -> dict[str, bytes | None]:
    """The changed files: the release file, and each position with the release's image."""
    release = tagged(action.release, environment)
    path = hands.policy.release_file(action.key.application, action.key.environment)
    files: dict[str, bytes | None] = {path: release_file(release, action.key.environment).encode()}
    images = {image.name: image for image in release.images}
    for position in environment.positions:
        before = files.get(position.file) or await hands.mirror.read(base, position.file)
        if before is None:
            raise PermanentError(
                f"cannot promote {action.release} to {action.key.environment}: {position.file} is not in the config "
                "repository. Add it, or mend the position in policy.yaml."
            )
        image = images[position.of]
        there = replace(image, name=environment.image_name(image.name))
        files[position.file] = place(before.decode(), position, there).encode()
    return files


def tagged(release: Release, environment: EnvironmentPolicy) -> Release:
    """The same release with the tags that its images carry in this environment."""
    if not release.version:
        return release
    tag = environment.tag(release.version)
    return replace(release, images=tuple(replace(image, tag=tag) for image in release.images))


async def merge(action: MergePromotion, hands: Hands) -> Done:
    """The merge request is merged at exactly the judged head; anything in the way is looked at again."""
    project = hands.tenant.config_project
    outcome = await ensure_merged(
        hands.api, project, action.merge_request, sha=action.sha, message=merge_commit(action)
    )
    match outcome:
        case Merged(landed=landed, wrote=wrote):
            return Done(external_id=landed, wrote=wrote)
        case NotYet(because=because):
            raise TemporaryError(f"!{action.merge_request} is not merged yet: {because}. It is tried again.")
        case Refused(because=because):
            raise StaleError(f"!{action.merge_request} cannot be merged as it is: {because}. It is looked at again.")


async def close(action: ClosePromotion, hands: Hands) -> Done:
    """The merge request says why it is closed, and is."""
    project = hands.tenant.config_project
    body = closing_note(action)
    await ensure_note(hands.api, project, action.merge_request, marker=CLOSING_MARKER, body=body)
    closed = await ensure_merge_request_closed(hands.api, project, action.merge_request)
    return Done(external_id=closed.external_id, wrote=closed.wrote)
