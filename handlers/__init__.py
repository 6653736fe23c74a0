"""The rules: one file per promise to the user. They decide and cannot act; order is the order they run in."""

from typing import Any

from bot.observing import Rule
from handlers import (
    canaries,
    configuration,
    deployments,
    lifting,
    promotion,
    releases,
    rollback,
    rollout,
    sources,
    statuses,
    tagging,
)

RULES: tuple[Rule[Any, Any], ...] = (
    sources.RULE,
    configuration.RULE,
    releases.RULE,
    rollout.RULE,
    rollback.RULE,
    tagging.RULE,
    lifting.RULE,
    promotion.RULE,
    canaries.RULE,
    statuses.RULE,
    deployments.RULE,
)
"""Adding a rule: its file, its line here, its test."""
