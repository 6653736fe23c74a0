"""A production whose release failed, and everything that can stand in the way of taking it back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from rule_worlds import (
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    Memory,
    cluster,
    denial_of,
    done,
    failure_of,
    outside,
    pin_of,
    policy_of,
    promotion,
    seen,
)

from bot.actions import (
    Decision,
    digest,
)
from bot.keys import EnvironmentKey
from bot.observing import (
    Comparison,
    Failure,
    FailureMark,
    Promotion,
)
from bot.releases import Image
from config.policy import Policy
from handlers import rollback as rule
from handlers.rollback_facts import observe

SMALLER = replace(OLD, images=(Image(name="registry.example/demo/other", digest=f"sha256:{'0' * 64}", tag="1.0.0"),))
"""A release of before the application got the image that stands in its manifests now."""
HARMLESS = Comparison(brings=(), loses=(), paths=("src/app.py",))
FAILED = promotion(PRODUCTION, NEW, "failed", merge_request=7, failure=failure_of())
BEFORE = promotion(PRODUCTION, OLD, opened_at=NOW - timedelta(days=1))
ROLLED_BACK = promotion(PRODUCTION, NEW, "rolled_back", opened_at=NOW - timedelta(hours=9), attempt=1)
PIN = pin_of(OLD, NEW)
WAY_PEOPLE = {"rollback": {"way": "person", "people": ["maintainer"]}}
WAY_COMMIT = {"rollback": {"people": ["maintainer"]}}
WAY_REQUEST = {"rollback": {"way": "merge_request", "people": ["maintainer"]}}


def world(*promotions: Promotion, policy: Policy | None = None) -> Memory:
    """Production declares 1.1.0, whose canary failed, and 1.0.0 was healthy there."""
    return Memory(
        policy=policy or policy_of(production={"rollback": {"people": ["maintainer"]}}),
        environments={PRODUCTION: seen(PRODUCTION, NEW, cluster(OLD, "failed", attempt=NEW, failing="canary"))},
        known_promotions=promotions or (FAILED, BEFORE),
        comparisons={("1.0.0", "1.1.0"): HARMLESS, ("1.2.0", "1.1.0"): HARMLESS},
    )


def decided(memory: Memory, key: EnvironmentKey = PRODUCTION) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(observe(key, memory)), memory.policy, NOW)


def written(memory: Memory) -> Memory:
    """The same world after what is wanted was written."""
    for action in outside(decided(memory)):
        memory.effects[action.effect_key] = digest(action)
    return memory


def gate(decision: Decision, name: str) -> tuple[str, str]:
    """The verdict and sentence of one guard."""
    (found,) = [g for g in decision.gates if g.name == name]
    return found.verdict, found.because


MANY = tuple(
    FailureMark(key=EnvironmentKey("demo", name, "production"), at=NOW - timedelta(minutes=9), release="4.2.0")
    for name in ("a", "b")
)


def rule_of(memory: Memory, rollback: dict[str, object]) -> None:
    """Another policy of rollback."""
    memory.policy = policy_of(production={"rollback": rollback})


def failing(memory: Memory, failure: Failure) -> None:
    """It failed in another way."""
    memory.known_promotions = (replace(FAILED, failure=failure), BEFORE)


def stands(memory: Memory, **changes: object) -> None:
    """The environment is otherwise."""
    memory.environments[PRODUCTION] = replace(memory.environments[PRODUCTION], **changes)  # type: ignore[arg-type]


def also(memory: Memory, other: Promotion) -> None:
    """One more promotion, newer than the others."""
    memory.known_promotions = (other, *memory.known_promotions)


def changes(memory: Memory, comparison: Comparison) -> None:
    """What lies between the two releases."""
    memory.comparisons[("1.0.0", "1.1.0")] = comparison


FLAWS: dict[str, tuple[str, str, Callable[[Memory], object]]] = {
    "the policy says no": ("caused", "red", lambda m: rule_of(m, {"on": []})),
    "another cause": ("caused", "red", lambda m: failing(m, failure_of("measured", "health_check"))),
    "Git moved on": ("none", "", lambda m: stands(m, declared=NEWER)),
    "Git went back by hand": ("none", "", lambda m: stands(m, declared=OLD)),
    "a person wrote the manifests": ("settled", "waiting", lambda m: stands(m, agrees=False)),
    "a cluster still tries": (
        "settled",
        "waiting",
        lambda m: stands(m, clusters=(*m.environments[PRODUCTION].clusters, cluster(NEW, "progressing", name="two"))),
    ),
    "a cluster is silent": (
        "settled",
        "waiting",
        lambda m: stands(m, clusters=(*m.environments[PRODUCTION].clusters, cluster(NEW, "unknown", name="two"))),
    ),
    "Flux tries again": (
        "settled",
        "waiting",
        lambda m: stands(m, clusters=(cluster(OLD, "progressing", attempt=NEW),)),
    ),
    "something is merged": (
        "settled",
        "waiting",
        lambda m: also(m, promotion(PRODUCTION, NEWER, "merging", opened_at=NOW)),
    ),
    "the manifests lag": ("settled", "waiting", lambda m: stands(m, standing=OLD)),
    "taken back before": ("once", "red", lambda m: setattr(m, "known_promotions", (FAILED, ROLLED_BACK, BEFORE))),
    "pinned away before": ("once", "red", lambda m: stands(m, pin=PIN)),
    "denied before": ("once", "red", lambda m: stands(m, denials=(denial_of(NEW),))),
    "what a rollback put there": ("no second way back", "red", lambda m: stands(m, pin=pin_of(NEW, NEWER))),
    "long ago": ("fresh", "red", lambda m: failing(m, failure_of(at=NOW - timedelta(hours=1, seconds=1)))),
    "nothing was healthy": ("healthy target", "red", lambda m: setattr(m, "known_promotions", (FAILED,))),
    "the older one is denied": ("healthy target", "red", lambda m: stands(m, denials=(denial_of(OLD),))),
    "the older one was taken back": (
        "healthy target",
        "red",
        lambda m: setattr(m, "known_promotions", (FAILED, replace(BEFORE, state="rolled_back"))),
    ),
    "only a newer one was healthy": (
        "healthy target",
        "red",
        lambda m: setattr(m, "known_promotions", (FAILED, replace(BEFORE, release=NEWER))),
    ),
    "the older one lacks an image": (
        "healthy target",
        "red",
        lambda m: setattr(m, "known_promotions", (FAILED, replace(BEFORE, release=SMALLER))),
    ),
    "many fail": ("brake", "red", lambda m: setattr(m, "known_failures", MANY)),
    "a migration": ("reversible", "red", lambda m: changes(m, replace(HARMLESS, paths=("db/migrations/7.sql",)))),
    "a list cut short": ("reversible", "red", lambda m: changes(m, replace(HARMLESS, cut=True))),
    "nobody knows the files": ("reversible", "red", lambda m: m.comparisons.clear()),
    "a mark": ("reversible", "red", lambda m: m.marks.update({"1.1.0": ("label dev.sluice.irreversible",)})),
}
