"""Adoption: the config repository names the installation that may act on it."""

from bot.acting.hands import Done, Hands
from bot.actions import WriteInstall
from bot.messages import install_commit
from bot.positions import install_file
from config.policy import INSTALL_FILE


async def write_install(action: WriteInstall, hands: Hands) -> Done:
    """`.sluice/install` on the default branch says who we are; pushed without force, so a lost race looks again."""
    base = await hands.git.head()
    if await hands.git.install(base) == action.installation:
        return Done(external_id=base, wrote=False)
    files = {INSTALL_FILE: install_file(action.installation).encode()}
    when = (await hands.mirror.commit(base)).when
    commit = await hands.mirror.commit_on(base, files, message=install_commit(action), when=when)
    await hands.about_to_write()
    await hands.mirror.push_default(commit, hands.tenant.branch, expected_parent=base)
    return Done(external_id=commit, wrote=True)
