"""Answers to commands: the one emoji on the note, and the one reply in its thread, where there is something to say."""

from dataclasses import replace

from bot.acting.breaker import MOST_NOTES, WITHIN, ThreadQuiet
from bot.acting.hands import Done, Hands
from bot.actions import React, Reply
from bot.clients.gitlab.effects.emoji import WantedEmoji, ensure_emoji
from bot.clients.gitlab.effects.replies import WantedReply, ensure_reply
from bot.errors import PermanentError
from bot.messages import QUIET_MARKER, answer_text, quiet_note

EMOJI = frozenset({"eyes", "white_check_mark", "x", "hourglass_flowing_sand"})
ANSWERABLE = frozenset({"merge_request", "issue"})


async def react(action: React, hands: Hands) -> Done:
    """The note shows how its command fares."""
    place = action.place
    if place.noteable not in ANSWERABLE:
        return Done(external_id="", wrote=False)
    wanted = WantedEmoji(
        noteable=place.noteable, iid=place.iid, note=place.note, name=action.emoji, ours=EMOJI, chain=place.chain
    )
    made = await ensure_emoji(hands.api, place.project, wanted)
    return Done(external_id=made.external_id, wrote=made.wrote)


async def reply(action: Reply, hands: Hands) -> Done:
    """The thread has the answer, unless it got too many from us already (ThreadQuiet)."""
    place = action.place
    if place.door != "note":
        raise PermanentError(f"{place.door} is answered by its own door, not on GitLab: this is a defect of Sluice.")
    if place.noteable not in ANSWERABLE:
        return Done(external_id="", wrote=False)
    wanted = WantedReply(
        noteable=place.noteable,
        iid=place.iid,
        discussion=place.discussion,
        marker=f"sluice:answer-{action.command}",
        body=answer_text(action.answer),
        chain=place.chain,
    )
    thread = f"{place.project}:{place.noteable}:{place.iid}"
    quiet = replace(hands, api=hands.api.bound(before_write=hands.breaker.before_note(thread, hands.about_to_write)))
    try:
        made = await ensure_reply(quiet.api, place.project, wanted)
    except ThreadQuiet:
        if await hands.breaker.falls_silent(thread):
            last = quiet_note(MOST_NOTES, int(WITHIN.total_seconds() // 60))
            await ensure_reply(hands.api, place.project, replace(wanted, marker=QUIET_MARKER, body=last))
        raise
    return Done(external_id=made.external_id, wrote=made.wrote)
