"""Gate: the very head that is merged was tested, our own statuses left out (failures F7, F8)."""

from typing import Literal

from bot.actions import Gate
from bot.observing import MergeRequestSeen


def judge(merge_request: MergeRequestSeen | None, no_pipeline: Literal["wait", "allow"]) -> Gate:
    """Green for a passed pipeline of this head, or without any CI where the policy allows it."""
    name = "merge proof"
    if merge_request is None:
        return Gate(name=name, verdict="waiting", because="there is no merge request yet")
    proof = merge_request.proof
    match proof.verdict:
        case "passed":
            return Gate(name=name, verdict="green", because=proof.because)
        case "failed":
            return Gate(name=name, verdict="red", because=proof.because)
        case "none" if no_pipeline == "allow":
            return Gate(name=name, verdict="green", because=f"{proof.because}, which the policy allows")
        case "none":
            because = f"{proof.because}: configure one, or set no_pipeline: allow in policy.yaml"
            return Gate(name=name, verdict="red", because=because)
        case "running" | "missing":
            return Gate(name=name, verdict="waiting", because=proof.because)
