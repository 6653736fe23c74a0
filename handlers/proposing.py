"""The merge request a promotion asks with: what it should be, where it is not so yet, and when it may be merged."""

from bot.actions import Gate, Line, MergePromotion, ProposePromotion
from bot.events import EnvironmentKey
from bot.observing import Comparison, MergeRequestSeen, Release
from handlers.asked import story
from handlers.gates import approved, no_freeze
from handlers.promotion_facts import PromotionFacts

REBUILD = frozenset({"conflict", "need_rebase"})
"""GitLab's `detailed_merge_status` values that a branch built anew on the default branch heals."""


def propose(facts: PromotionFacts, target: Release, gates: tuple[Gate, ...]) -> ProposePromotion | None:
    """The merge request as it should be, or None when it is so; a branch somebody else wrote to is left alone."""
    request, draft = facts.open_request, any(map(keeps_draft, gates))
    rebuild = request is None or is_stale(request, target)
    if request is not None and (not request.ours or (not rebuild and request.draft == draft)):
        return None
    return ProposePromotion(
        key=facts.key,
        release=target,
        replaces=facts.seen.declared,
        draft=draft,
        changes=lines(facts.comparison),
        changes_url=facts.comparison.url if facts.comparison else "",
        because="; ".join([*map(story, facts.pinned), gates[0].because]),
        rebuild=rebuild,
    )


def keeps_draft(gate: Gate) -> bool:
    """A red gate does, and one that waits for the world; not one that waits for the people who look at it.

    Who is asked to approve must not be shown a draft, and the end of a freeze changes nothing that they approved.
    """
    return gate.verdict == "red" or (gate.verdict == "waiting" and gate.name not in (approved.NAME, no_freeze.NAME))


def is_stale(request: MergeRequestSeen, target: Release) -> bool:
    """The branch proposes something else, or GitLab cannot merge it as it stands."""
    return request.proposes is None or request.proposes.id != target.id or request.status in REBUILD


def lines(comparison: Comparison | None) -> tuple[Line, ...]:
    """The change list."""
    return tuple(Line(sha=change.sha, title=change.title) for change in comparison.brings) if comparison else ()


def merge(key: EnvironmentKey, request: MergeRequestSeen, target: Release, because: str) -> tuple[MergePromotion, ...]:
    """The merge, once GitLab itself calls the request mergeable; any other verdict means "look again" (failures F9)."""
    if request.draft or request.status != "mergeable":
        return ()
    return (MergePromotion(key=key, merge_request=request.iid, sha=request.sha, release=target, because=because),)
