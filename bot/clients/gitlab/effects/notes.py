"""One sticky note per merge request and purpose, updated in place and only when it says something new.

The hidden marker locates the note and authorises nothing: a note counts only if its author is the bot.
"""

import re

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.merge_requests import same_text
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.models import Note
from bot.clients.gitlab.reads import notes, own_user

_MARKER = re.compile(r"[A-Za-z0-9:._/@+]+(-[A-Za-z0-9:._/@+]+)*")
CHAIN_HEADER = "X-Gitlab-Event-UUID"
"""Sent back with notes only: GitLab then does not call the same hook again (webhooks, recursion; 18.x)."""


async def ensure_note(
    api: GitLabAPI, project: ProjectId, iid: int, *, marker: str, body: str, chain: str = ""
) -> Ensured[Note]:
    """The bot's one note with this marker says `body`. Of several (residue of a race) the oldest is kept current.

    marker: letters, digits and `:._/@+-`, e.g. `sluice:gates`. chain: the X-Gitlab-Event-UUID that led here, or empty.
    """
    text = marked(marker, body)
    async with api.lock(f"notes:{project}:{iid}"):
        found = await _own_note(api, project, iid, marker)
        if found is not None and same_words(found.body, text):
            return _ensured(found, wrote=False)
        path = of_project(project, "merge_requests", iid, "notes", *([found.id] if found is not None else []))
        method = "PUT" if found is not None else "POST"
        headers = {CHAIN_HEADER: chain} if chain else None
        note = await api.write(method, path, Note, feature="notes", data={"body": text}, headers=headers)
        return _ensured(note, wrote=True)


def marked(marker: str, body: str) -> str:
    """The note's whole text: the hidden marker on its first line; ValueError for one that could end the comment."""
    if _MARKER.fullmatch(marker) is None:
        raise ValueError(f"{marker!r} is no marker: letters, digits and :._/@+ with single hyphens between")
    return f"<!-- {marker} -->\n{body}"


async def _own_note(api: GitLabAPI, project: ProjectId, iid: int, marker: str) -> Note | None:
    me = await own_user(api)
    first_line = f"<!-- {marker} -->"
    for note in await notes(api, project, iid):
        if note.author.id == me.id and not note.system and note.body.startswith(first_line):
            return note
    return None


def same_words(one: str, other: str) -> bool:
    """Whether two texts say the same once GitLab has stored them."""
    return _stored(one) == _stored(other)


def _stored(text: str) -> str:
    # GitLab executes and removes lines that are quick actions of its own: a text with one would never compare equal.
    return "\n".join(line for line in same_text(text).split("\n") if not line.startswith("/")).strip()


def _ensured(note: Note, *, wrote: bool) -> Ensured[Note]:
    return Ensured(value=note, external_id=str(note.id), wrote=wrote)
