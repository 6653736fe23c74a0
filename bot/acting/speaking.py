"""Every note of ours goes this way: found by its marker, changed in place, and never the sixth new one in a thread."""

import structlog

from bot.acting.breaker import MOST_NOTES, WITHIN, ThreadQuiet
from bot.acting.hands import Hands
from bot.clients.gitlab.addresses import ProjectId
from bot.clients.gitlab.effects.notes import ensure_note
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.models import Note
from bot.messages import QUIET_MARKER, quiet_note

log = structlog.get_logger(__name__)


async def say(hands: Hands, project: ProjectId, iid: int, *, marker: str, body: str) -> Ensured[Note]:
    """The merge request's one note with this marker says `body`; ThreadQuiet when it got too many new ones."""
    if hands.known_id:
        return await ensure_note(hands.api, project, iid, marker=marker, body=body)
    thread = f"{project}:mr:{iid}"
    api = hands.api.bound(before_write=hands.breaker.before_note(thread, hands.about_to_write))
    try:
        return await ensure_note(api, project, iid, marker=marker, body=body)
    except ThreadQuiet as error:
        log.warning("thread goes quiet", thread=thread, because=str(error))
        last = quiet_note(MOST_NOTES, int(WITHIN.total_seconds() // 60))
        await ensure_note(hands.api, project, iid, marker=QUIET_MARKER, body=last)
        raise
