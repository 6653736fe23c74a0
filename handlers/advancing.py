"""A promotion goes where the clusters say it is; how it failed is kept as first seen."""

from dataclasses import replace
from datetime import datetime

from bot.observing import EnvironmentSeen, Failure, Promotion, PromotionState
from config.policy import EnvironmentPolicy
from handlers.failing import BETTER_KNOWN, better_known, failure_of
from handlers.standing import is_release, standing, tries


def advance(
    promotion: Promotion, seen: EnvironmentSeen, environment: EnvironmentPolicy, now: datetime, how: str = ""
) -> Promotion:
    """The promotion as the clusters show it; what ended well stays so, whatever its health does later.

    how: the way a release came in beside its gates, for a sentence, where it is not the merge of a person.
    """
    if promotion.healthy_at is not None:
        return promotion
    state, because = standing(promotion.release, seen)
    if promotion.state == "failed" and state != "done":
        # Flux tries a failed revision again and again: it stays failed, as first told, until it is healthy.
        return better_told(promotion, seen, environment, now)
    healthy_at = now if state == "done" else None
    failure = failed_as(promotion, seen, environment, now) if state == "failed" else promotion.failure
    because = lagging(promotion, seen, environment) or because if state == "merging" else because
    state, because = beside_the_gates(promotion, state, because, how)
    if (state, because, healthy_at) == (promotion.state, promotion.because, None):
        return promotion
    return replace(promotion, state=state, because=because, healthy_at=healthy_at, failure=failure, updated_at=now)


def failed_as(
    promotion: Promotion, seen: EnvironmentSeen, environment: EnvironmentPolicy, now: datetime
) -> Failure | None:
    """The failure that says most of the clusters in which the release failed."""
    clusters = tries(promotion.release, seen)
    found = [failure_of(cluster, environment.kustomization, now) for cluster in clusters]
    return max((one for one in found if one), key=lambda one: BETTER_KNOWN[one.kind], default=None)


def better_told(
    promotion: Promotion, seen: EnvironmentSeen, environment: EnvironmentPolicy, now: datetime
) -> Promotion:
    """The failed promotion, whose evidence may tell more by now: Kubernetes delivers Flagger's sentences late."""
    known = promotion.failure
    if known is None:
        return promotion
    told = known
    for cluster in tries(promotion.release, seen):
        told = better_known(told, failure_of(cluster, environment.kustomization, now))
    return promotion if told == known else replace(promotion, failure=told, updated_at=now)


def lagging(promotion: Promotion, seen: EnvironmentSeen, environment: EnvironmentPolicy) -> str:
    """Why a merged release is in no cluster yet where Flux writes the positions; empty once it wrote them."""
    if environment.delivery != "image_automation" or is_release(seen.standing, promotion.release):
        return ""
    found = seen.standing.name if seen.standing else "no image that can be found"
    return f"{promotion.release.name} is in Git; its image positions say {found} until Flux writes them"


def beside_the_gates(promotion: Promotion, state: PromotionState, because: str, how: str) -> tuple[PromotionState, str]:
    """What did not come through its gates keeps that mark, unless it failed, which is worse."""
    match promotion.state:
        case "bypassed" | "downgraded" as mark:
            beside = mark
        case "waiting":
            beside = "bypassed"
        case _:
            return state, because
    how = how or f"{promotion.release.name} came into Git past its gates ({beside})"
    return ("failed" if state == "failed" else beside), f"{how}; {because}"
