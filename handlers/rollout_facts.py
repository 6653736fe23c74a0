"""What a roll-out is followed by: an environment, its promotions, and what was recorded of its clusters."""

from dataclasses import dataclass

from bot.events import EnvironmentKey
from bot.observing import (
    EnvironmentSeen,
    EnvironmentState,
    Installation,
    Observer,
    Promotion,
    PromotionState,
    ReleaseRecord,
)
from handlers.standing import is_release, look

OPEN: frozenset[PromotionState] = frozenset({"waiting", "ready", "merging", "applied"})
ENDED: frozenset[PromotionState] = frozenset({"failed", "done", "bypassed", "downgraded"})
LANDED: frozenset[PromotionState] = ENDED | {"merging", "applied"}
"""What Git declared, or still does. What was rolled back is over: it is never followed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFacts:
    """An environment, its promotions (newest first), and what was recorded of its clusters."""

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    releases: tuple[ReleaseRecord, ...]
    states: tuple[EnvironmentState, ...]

    def taken_back(self, promotion: Promotion) -> bool:
        """Git went back from this promotion's release by a rollback, whose rule ends it (rolled_back)."""
        pin, declared = self.seen.pin, self.seen.declared
        if pin is None or not is_release(declared, pin.release):
            return False
        return promotion.release.id == pin.instead_of.id


async def observe(key: EnvironmentKey, observer: Observer) -> RolloutFacts:
    """Read Git, the clusters and the journal."""
    promotions = await observer.promotions(key.owner)
    return RolloutFacts(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=await look(key, observer, promotions),
        promotions=tuple(promotion for promotion in promotions if promotion.key == key),
        releases=await observer.releases(key.owner),
        states=await observer.environment_states(key),
    )
