"""What the commit says that ties a config repository to an installation."""

from bot.actions import WriteInstall
from bot.messages.harmless import Harmless, one_line
from bot.messages.templates import render


def install_commit(action: WriteInstall) -> str:
    """The commit message of `.sluice/install`, with the trailer by which the commit is recognised as ours."""
    return render(
        "install_commit.txt.j2",
        tenant=action.key.tenant,
        installation=action.installation,
        because=action.because.rstrip(". "),
        effect_key=Harmless(one_line(action.effect_key)),
    )
