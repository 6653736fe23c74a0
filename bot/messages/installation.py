"""What ties a config repository to an installation says who asked, and what follows from it."""

from bot.actions import WriteInstall
from bot.messages.harmless import Harmless, one_line
from bot.messages.templates import render
from bot.messages.wording import reason

TITLE = "Adopt this repository for Sluice"


def install_title() -> str:
    """The merge request's title, and the commit's subject."""
    return TITLE


def install_commit(action: WriteInstall) -> str:
    """The commit message of `.sluice/install`, with the trailer by which the commit is recognised as ours."""
    return render(
        "install_commit.txt.j2",
        subject=Harmless(TITLE),
        tenant=action.key.tenant,
        installation=action.installation,
        because=reason(action.because),
        effect_key=Harmless(one_line(action.effect_key)),
    )


def install_merge_commit(action: WriteInstall, merge_request: int) -> str:
    """The message of the merge, where the default branch takes no commit."""
    return render(
        "merge_commit.txt.j2",
        subject=Harmless(TITLE),
        because=reason(action.because),
        merge_request=merge_request,
        effect_key=Harmless(one_line(action.effect_key)),
    )


def install_description(action: WriteInstall) -> str:
    """Who asked for it, and what this installation may do from then on."""
    return render(
        "install_description.md.j2",
        tenant=action.key.tenant,
        installation=action.installation,
        asked_by=action.asked_by,
        because=reason(action.because),
    )
