"""Gate: nobody else committed to the bot's branch; a person's commit is reviewed by persons."""

from bot.actions import Gate
from bot.observing import MergeRequestSeen


def judge(merge_request: MergeRequestSeen | None) -> Gate:
    """Red when the head is not ours: it is never overwritten and never merged by the bot (design section 4)."""
    name = "branch untouched"
    if merge_request is None or merge_request.ours:
        return Gate(name=name, verdict="green", because="its branch holds what Sluice wrote")
    because = f"{merge_request.sha[:8]} was committed by a person: merge it yourself, or close the merge request"
    return Gate(name=name, verdict="red", because=because)
