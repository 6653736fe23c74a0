"""Facts survive being written down: a recorded run is decided again from its JSON, to the byte."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_simulation import Simulation
from rule_worlds import APP, NEW, NEWER, OLD, STAGING, policy_of

from bot.actions import Decision
from bot.keys import ApplicationKey, EnvironmentKey
from bot.observing import Rule
from bot.replaying import dump_decision, dump_facts, load_facts
from config.policy import Policy
from handlers import RULES


def lived() -> Simulation:
    """A world in which a release landed, another was declined, and something was ill."""
    world = Simulation(ill={("production", NEW.version)})
    world.build(OLD)
    world.git |= dict.fromkeys(world.git, OLD)
    for _ in range(4):
        world.round()
    world.build(NEW)
    for _ in range(20):
        world.round()
    world.build(NEWER)
    for _ in range(5):
        world.round()
    world.person_closes(STAGING)
    for _ in range(5):
        world.round()
    return world


WORLD = lived()


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.about in (ApplicationKey, EnvironmentKey)])
def test_recorded_facts_give_the_recorded_decision(name: str) -> None:
    policy = Policy.model_validate_json(WORLD.policy.model_dump_json())
    ran = [one for one in WORLD.ran if one.rule.name == name]

    for one in ran:
        facts = load_facts(one.rule, dump_facts(one.rule, one.facts))
        assert facts == one.facts
        assert dump_decision(one.rule.decide(facts, policy, one.now)) == dump_decision(one.decision)
    assert len({dump_decision(one.decision) for one in ran}) > 1


st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_any_facts_survive_being_written_down(rule: Rule[Any, Any]) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.data())
    def survive(data: st.DataObject) -> None:
        facts = data.draw(st.from_type(rule.facts))
        body = dump_facts(rule, facts)

        assert load_facts(rule, body) == facts
        assert dump_facts(rule, load_facts(rule, body)) == body

    survive()


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_another_policy_decides_differently_on_the_same_facts() -> None:
    patient = policy_of(staging={"soak": "10d"})
    ran = [one for one in WORLD.ran if one.rule.name == "promotion" and one.subject == STAGING]

    def outcomes(policy: Policy) -> list[Decision]:
        return [one.rule.decide(one.facts, policy, one.now) for one in ran]

    assert outcomes(WORLD.policy) != outcomes(patient)
    assert not [d for d in outcomes(patient) if "MergePromotion" in dump_decision(d).decode()]


def test_time_is_the_only_thing_that_moves_under_equal_facts() -> None:
    ran = next(one for one in WORLD.ran if one.rule.name == "releases" and one.subject == APP)

    later = ran.rule.decide(ran.facts, WORLD.policy, ran.now + timedelta(days=1))

    assert (later.kind, later.because) == (ran.decision.kind, ran.decision.because)
