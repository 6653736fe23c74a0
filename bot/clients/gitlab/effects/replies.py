"""One reply to one command, in the discussion it was said in; GitLab keeps it as internal as that discussion is.

Source: GitLab "Discussions API" 18.x, "Add note to existing thread"; a reply to a single comment makes it a thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.emoji import NOTEABLES
from bot.clients.gitlab.effects.notes import CHAIN_HEADER, marked
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.models import Note
from bot.clients.gitlab.reads import own_user


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReply:
    """marker: of this one command, so that the same answer is never given twice."""

    noteable: str
    iid: int
    discussion: str
    marker: str
    body: str
    chain: str = ""


class Discussion(msgspec.Struct, frozen=True):
    """A thread, or a single comment, as GitLab calls it."""

    id: str
    notes: Sequence[Note] = ()


async def ensure_reply(api: GitLabAPI, project: ProjectId, wanted: WantedReply) -> Ensured[Note]:
    """The discussion has our answer to this command."""
    thread = of_project(project, NOTEABLES[wanted.noteable], wanted.iid, "discussions", wanted.discussion)
    text = marked(wanted.marker, wanted.body)
    first_line = text.partition("\n")[0]
    async with api.lock(f"discussion:{thread}"):
        me = await own_user(api)
        found = await api.get(thread, Discussion, feature="notes")
        for note in found.notes:
            if note.author.id == me.id and note.body.startswith(first_line):
                return Ensured(value=note, external_id=str(note.id), wrote=False)
        headers = {CHAIN_HEADER: wanted.chain} if wanted.chain else None
        data = {"body": text}
        made = await api.write("POST", f"{thread}/notes", Note, feature="notes", data=data, headers=headers)
        return Ensured(value=made, external_id=str(made.id), wrote=True)
