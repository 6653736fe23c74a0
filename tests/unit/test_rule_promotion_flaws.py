"""One flaw is enough to stop a merge, and flaws never make up for each other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promotion_worlds import COMPARISON, READY, decided, governed, told, world
from rule_worlds import (
    DEV,
    NEW,
    NOW,
    OLD,
    STAGING,
    STRANGER,
    Memory,
    cluster,
    denial_of,
    hold_of,
    merge_request,
    of_type,
    outside,
    pin_of,
    policy_of,
    promotion,
    proof_of,
    request_of,
    seen,
)

from bot.actions import (
    MergePromotion,
    ProposePromotion,
)
from bot.observing import ClusterSeen

FLAWS: dict[str, Callable[[Memory], object]] = {
    "it only observes": lambda memory: setattr(memory, "policy", policy_of(staging={"mode": "observe"})),
    "people merge": lambda memory: setattr(memory, "policy", policy_of(staging={"mode": "propose"})),
    "merged by hand": lambda memory: setattr(memory, "policy", policy_of(staging={"merge": "manual"})),
    "still soaking": lambda memory: setattr(memory, "policy", policy_of(staging={"soak": "2h"})),
    "not adopted": lambda memory: setattr(memory, "adopted", STRANGER),
    "a draft": lambda memory: spoil(memory, draft=True),
    "a person's commit": lambda memory: spoil(memory, ours=False),
    "being checked": lambda memory: spoil(memory, status="checking"),
    "in conflict": lambda memory: spoil(memory, status="conflict"),
    "a status of tomorrow": lambda memory: spoil(memory, status="tomorrow"),
    "untested": lambda memory: spoil(memory, proof=proof_of("missing")),
    "being tested": lambda memory: spoil(memory, proof=proof_of("running")),
    "broken": lambda memory: spoil(memory, proof=proof_of("failed")),
    "without CI": lambda memory: spoil(memory, proof=proof_of("none")),
    "the target fails": lambda memory: stands(memory, cluster(OLD, "failed")),
    "the target is unknown": lambda memory: stands(memory, cluster(OLD, "unknown")),
    "the target rolls out": lambda memory: stands(memory, cluster(None, "progressing", attempt=OLD)),
    "commits would be lost": lambda memory: memory.comparisons.update(
        {("1.0.0", "1.1.0"): replace(COMPARISON, loses=COMPARISON.brings)}
    ),
    "held": lambda memory: setattr(memory, "known_holds", (hold_of(STAGING),)),
    "held for a while": lambda memory: setattr(
        memory, "known_holds", (hold_of(STAGING, until=NOW + timedelta(hours=1)),)
    ),
    "a rollback was asked for": lambda memory: setattr(memory, "asked", (request_of(STAGING),)),
    "denied here": lambda memory: governed(memory, denials=(denial_of(NEW),)),
    "pinned": lambda memory: governed(memory, pin=pin_of(OLD, NEW)),
    "denied before": lambda memory: memory.environments.update({DEV: seen(DEV, NEW, denials=(denial_of(NEW),))}),
    "taken back before": lambda memory: setattr(
        memory, "known_promotions", (READY, promotion(DEV, NEW, "rolled_back", healthy=timedelta(hours=1)))
    ),
    "not healthy before": lambda memory: setattr(memory, "known_promotions", (READY, promotion(DEV, NEW, "failed"))),
}


def spoil(memory: Memory, **changes: object) -> None:
    """The merge request has a flaw."""
    memory.merge_requests[STAGING] = replace(memory.merge_requests[STAGING], **changes)  # type: ignore[arg-type]


def stands(memory: Memory, here: ClusterSeen) -> None:
    """The target's one cluster."""
    memory.environments[STAGING] = seen(STAGING, OLD, here)


def flawed(*flaws: str) -> Memory:
    """A world in which all is ready for the merge, but for some flaws; GitLab says so already."""
    memory = world(merge_request(NEW), READY)
    for flaw in flaws:
        FLAWS[flaw](memory)
    return told(memory)


def test_without_a_flaw_it_is_merged() -> None:
    assert len(of_type(decided(flawed()), MergePromotion)) == 1


@pytest.mark.parametrize("flaw", FLAWS)
def test_one_flaw_is_enough_to_stop_a_merge(flaw: str) -> None:
    assert of_type(decided(flawed(flaw)), MergePromotion) == []


@given(st.lists(st.sampled_from(sorted(FLAWS)), min_size=1, max_size=4, unique=True))
def test_flaws_never_make_up_for_each_other(flaws: list[str]) -> None:
    decision = decided(flawed(*flaws))

    assert of_type(decision, MergePromotion) == []
    if "not adopted" in flaws:
        assert outside(decision) == []
    if "a person's commit" in flaws:
        assert of_type(decision, ProposePromotion) == []
