"""A release is taken back and kept back: one commit holds release file, positions, markers, pin and denial."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from bot.acting.edits import Files, declares, denials_at, pin_at, positions, stands, tagged
from bot.acting.hands import Done, Hands, Repository
from bot.acting.landing import Change, land, merge_at
from bot.actions import LiftPin, MergeRollback, RevokeDenial, RollBack
from bot.errors import StaleError
from bot.keys import EnvironmentKey
from bot.messages import (
    lifting_description,
    revoking_description,
    rollback_description,
    undoing_commit,
    undoing_labels,
    undoing_merge_commit,
    undoing_title,
)
from bot.positions import denial_file, denied, pin_file, pin_markers, unpin_markers, without
from bot.records import Denial, Pin
from bot.releases import Image, Release


async def roll_back(action: RollBack, hands: Hands) -> Done:
    """Git says `back_to` again and keeps it, or the merge request that says so is open."""
    description = rollback_description(action, images_denied(action) if action.deny else ())
    change = _change(action, description, partial(taken_back, action, hands), since=action.since)
    return await land(change, action.way, hands)


async def merge_rollback(action: MergeRollback, hands: Hands) -> Done:
    """The merge request of a rollback, or of a pin that is lifted, is merged at exactly the judged head."""
    message = undoing_merge_commit(action, action.merge_request)
    return await merge_at(hands, action.merge_request, action.sha, message)


async def lift_pin(action: LiftPin, hands: Hands) -> Done:
    """The pin is gone and image automation writes the positions again, or the merge request for that is open."""
    change = _change(action, lifting_description(action), partial(_lifted, action, hands))
    return await land(change, action.way, hands)


async def revoke_denial(action: RevokeDenial, hands: Hands) -> Done:
    """The release is no longer denied here; a merge request for that is merged at once, for a person asked."""
    merging = partial(undoing_merge_commit, action)
    files = partial(_allowed, action, hands)
    change = _change(action, revoking_description(action), files, since=action.request.at, merging=merging)
    return await land(change, action.way, hands)


def _change(
    action: RollBack | LiftPin | RevokeDenial,
    description: str,
    files: Callable[[str], Awaitable[Files | None]],
    *,
    since: datetime | None = None,
    merging: Callable[[int], str] | None = None,
) -> Change:
    return Change(
        effect_key=action.effect_key,
        branch=action.key.rollback_branch,
        message=undoing_commit(action),
        title=undoing_title(action),
        description=description,
        labels=undoing_labels(action),
        files=files,
        since=since,
        merging=merging,
    )


def images_denied(action: RollBack) -> tuple[Image, ...]:
    """The images that only the bad release has: one that both share ran well before, and would deny `back_to`, too."""
    good = {image.digest for image in action.back_to.images}
    return tuple(sorted(image for image in action.release.images if image.digest not in good))


async def taken_back(action: RollBack, hands: Repository, base: str) -> Files | None:
    """The rollback on `base`, None when it stands there already: its pin, the release file and the positions with it.

    Positions alone differ where image automation wrote over an earlier rollback: then that is restored.
    """
    key = action.key
    pinned, declared = await pin_at(base, key, hands), await hands.git.proposed(base, key)
    said = pinned and declared and (declared.id, pinned.instead_of.id) == (action.back_to.id, action.release.id)
    if said and await stands(action.back_to, key, base, hands):
        return None
    await _expect(action.release, key, base, hands, or_standing=True)
    files = declares(action.back_to, key, hands)
    files |= await positions(action.back_to, key, base, hands, marked=pin_markers)
    path = hands.policy.pin_file(key.application, key.environment)
    files[path] = pin_file(_pin(action, hands), key.environment).encode()
    if action.deny:
        path = hands.policy.denial_file(key.application, key.environment)
        everything = denied(await denials_at(base, key, hands), _denials(action, hands))
        files[path] = denial_file(key.application, key.environment, everything).encode()
    return files


async def _expect(
    release: Release, key: EnvironmentKey, base: str, hands: Repository, *, or_standing: bool = False
) -> None:
    """The revision still declares the release, or its positions carry it past the release file; else StaleError."""
    declared = await hands.git.proposed(base, key)
    if declared is not None and declared.id == release.id:
        return
    if or_standing and await stands(release, key, base, hands):
        return
    raise StaleError(
        f"{key.environment} declares {declared or 'nothing'} at {base[:8]}, no longer {release}: "
        "nothing was written; it is looked at again."
    )


def _pin(action: RollBack, hands: Repository) -> Pin:
    environment = hands.policy.environment(action.key.application, action.key.environment)
    return Pin(
        release=tagged(action.back_to, environment),
        instead_of=tagged(action.release, environment),
        failure=action.failure.kind,
        since=action.since,
        because=action.because,
        by=action.by,
    )


def _denials(action: RollBack, hands: Repository) -> tuple[Denial, ...]:
    environment = hands.policy.environment(action.key.application, action.key.environment)
    tags = {image.digest: image for image in tagged(action.release, environment).images}
    version = action.release.name
    return tuple(
        Denial(
            image=tags[image.digest],
            version=version,
            since=action.since,
            because=action.failure.because,
            incident=f"{action.key.environment}/{action.key.application}/{version}",
        )
        for image in images_denied(action)
    )


async def _lifted(action: LiftPin, hands: Hands, base: str) -> Files | None:
    """Without the pin, None when there is none."""
    key = action.key
    if await pin_at(base, key, hands) is None:
        return None
    await _expect(action.release, key, base, hands)
    files = await positions(action.release, key, base, hands, marked=unpin_markers)
    return {**files, hands.policy.pin_file(key.application, key.environment): None}


async def _allowed(action: RevokeDenial, hands: Hands, base: str) -> Files | None:
    """Without the version's denials, None when it is not denied."""
    key = action.key
    before = await denials_at(base, key, hands)
    after = without(before, action.version)
    if len(after) == len(before):
        return None
    text = denial_file(key.application, key.environment, after) if after else None
    return {hands.policy.denial_file(key.application, key.environment): text.encode() if text else None}
