"""Adoption: the config repository names the installation that may act on it."""

from functools import partial

from bot.acting.edits import Files
from bot.acting.hands import Done, Hands
from bot.acting.landing import Change, land
from bot.actions import WriteInstall
from bot.messages import LABEL, install_commit, install_description, install_merge_commit, install_title
from bot.positions import install_file
from config.policy import INSTALL_FILE

BRANCH = "sluice-adopt"


async def write_install(action: WriteInstall, hands: Hands) -> Done:
    """`.sluice/install` on the default branch says who we are; where that is closed, by a merge request merged at once.

    A person asked for exactly this, so nobody else is waited for.
    """
    change = Change(
        effect_key=action.effect_key,
        branch=BRANCH,
        message=install_commit(action),
        title=install_title(),
        description=install_description(action),
        labels=(LABEL,),
        files=partial(_named, action, hands),
        merging=partial(install_merge_commit, action),
    )
    return await land(change, "commit", hands)


async def _named(action: WriteInstall, hands: Hands, base: str) -> Files | None:
    """The install file, None when it names this installation already."""
    if await hands.git.install(base) == action.installation:
        return None
    return {INSTALL_FILE: install_file(action.installation).encode()}
