"""Each rule of the sandbox GitLab is proven by a contract test, and each proof names a rule that is listed."""

import ast
from pathlib import Path

import pytest

from bot.sandbox.gitlab.api import TABLES
from bot.sandbox.gitlab.routing import Router
from bot.sandbox.gitlab.rules import RULES
from bot.sandbox.rules import Rule

CONTRACT = Path(__file__).resolve().parents[1] / "contract"


def proven_rules() -> set[str]:
    """The ids in `@pytest.mark.rule(...)` of the contract tests, read without running them."""
    return {
        argument.value
        for file in CONTRACT.glob("test_gitlab_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_every_rule_is_proven_by_a_contract_test() -> None:
    assert {rule.id for rule in RULES} - proven_rules() == set()


def test_every_proof_names_a_listed_rule() -> None:
    assert proven_rules() - {rule.id for rule in RULES} == set()


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_says_what_holds_and_where_it_is_known_from(rule: Rule) -> None:
    assert len(rule.says) > 15
    assert len(rule.source) > 5


def test_no_route_is_modelled_twice() -> None:
    templates = Router(TABLES).templates()

    assert len(templates) == len(set(templates)) > 100
