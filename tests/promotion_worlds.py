"""A release that is ready for staging, its merge request, and what Git says beside it."""

from dataclasses import replace

from rule_worlds import (
    DEV,
    NEW,
    NOW,
    OLD,
    STAGING,
    Memory,
    done,
    outside,
    policy_of,
    promotion,
    record,
    seen,
)

from bot.actions import (
    Decision,
    digest,
)
from bot.observing import Change, Comparison, MergeRequestSeen, Promotion
from config.policy import Policy
from handlers import promotion as rule
from handlers.promotion_facts import observe

COMPARISON = Comparison(brings=(Change(sha="1" * 40, title="Greet by name"),), loses=(), url="https://gitlab.example/x")
READY = promotion(STAGING, NEW, "ready", merge_request=3)


def world(request: MergeRequestSeen | None = None, *promotions: Promotion, policy: Policy | None = None) -> Memory:
    """1.1.0 is healthy in dev and staging runs 1.0.0."""
    return Memory(
        policy=policy or policy_of(),
        known_releases=(record(NEW), record(OLD, baseline=True)),
        environments={DEV: seen(DEV, NEW), STAGING: seen(STAGING, OLD)},
        known_promotions=(*promotions, promotion(DEV, NEW), promotion(STAGING, OLD, baseline=True)),
        merge_requests={STAGING: request} if request else {},
        comparisons={("1.0.0", "1.1.0"): COMPARISON},
    )


def decided(memory: Memory) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(observe(STAGING, memory)), memory.policy, NOW)


def told(memory: Memory) -> Memory:
    """The same world after its status and note were written."""
    for _ in range(2):
        for action in outside(decided(memory)):
            memory.effects[action.effect_key] = digest(action)
    return memory


def governed(memory: Memory, **changes: object) -> None:
    """What Git says of the target beside its release."""
    memory.environments[STAGING] = replace(memory.environments[STAGING], **changes)  # type: ignore[arg-type]
