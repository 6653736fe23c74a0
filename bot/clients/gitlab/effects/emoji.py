"""The bot's one emoji on somebody's note: awarded if it is not there, and another one of ours taken away.

Source: GitLab "Emoji reactions API" 18.x. An emoji awarded twice is refused with 404 or 409 by version, so it is looked
for first; who awards by a race finds it there at the next look.
"""

from dataclasses import dataclass

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.notes import CHAIN_HEADER
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.models import Award
from bot.clients.gitlab.reads import own_user

NOTEABLES = {"merge_request": "merge_requests", "issue": "issues"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEmoji:
    """ours: all names this purpose uses; any of them that the bot awarded and does not want any more goes."""

    noteable: str
    iid: int
    note: int
    name: str
    ours: frozenset[str]
    chain: str = ""


async def ensure_emoji(api: GitLabAPI, project: ProjectId, wanted: WantedEmoji) -> Ensured[Award]:
    """Exactly one of our emoji is on the note."""
    path = of_project(project, NOTEABLES[wanted.noteable], wanted.iid, "notes", wanted.note, "award_emoji")
    headers = {CHAIN_HEADER: wanted.chain} if wanted.chain else None
    async with api.lock(f"emoji:{path}"):
        me = await own_user(api)
        awards = await api.all(path, Award, feature="notes")
        mine = [award for award in awards if award.user.id == me.id and award.name in wanted.ours]
        there = next((award for award in mine if award.name == wanted.name), None)
        for award in mine:
            if award is not there:
                await api.remove(f"{path}/{award.id}", feature="notes", headers=headers)
        if there is not None:
            return Ensured(value=there, external_id=str(there.id), wrote=len(mine) > 1)
        data = {"name": wanted.name}
        award = await api.write("POST", path, Award, feature="notes", data=data, headers=headers)
        return Ensured(value=award, external_id=str(award.id), wrote=True)
