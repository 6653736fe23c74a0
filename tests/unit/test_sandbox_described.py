"""What the sandbox models and offers is written down: rules with sources, control routes in the documentation."""

from pathlib import Path

import pytest

from bot.sandbox.cluster import rules as cluster_rules
from bot.sandbox.control import Control
from bot.sandbox.registry import rules as registry_rules
from bot.sandbox.rules import Rule, table

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text()
RULES = (*cluster_rules.RULES, *registry_rules.RULES)


def test_rules_have_names_of_their_own() -> None:
    for rules in (cluster_rules.RULES, registry_rules.RULES):
        assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_holds_and_where_it_is_known_from(rule: Rule) -> None:
    assert len(rule.says) > 15
    assert len(rule.source) > 5


def test_rules_make_a_table() -> None:
    assert table(registry_rules.RULES).count("\n") == len(registry_rules.RULES) + 1


def test_every_control_route_is_documented() -> None:
    # Routes are listed without a running sandbox: building them needs none of its parts.
    routes = Control._routes(Control.__new__(Control))

    missing = {route.path for route in routes} - {path for path in DOCUMENT.replace("`", " ").split() if path[0] == "/"}
    assert missing == set()
