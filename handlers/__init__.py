"""The rules: one file per promise to the user. They decide and cannot act; order is the order they run in."""

from typing import Any

from bot.observing import Rule, VerbForm
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
from handlers.chatops import rule as commands
from handlers.chatops.verbs import VERBS

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
    commands.RULE,
)
"""Adding a rule: its file, its line here, its test."""
FORMS: tuple[VerbForm, ...] = tuple(verb.form for verb in VERBS)
"""What people may say, for the grammar."""
