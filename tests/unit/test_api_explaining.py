"""`why` runs the rules as they are: without acting, and says what keeps it from looking."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from api_cases import BECAUSE, RELEASE, SHOP, STAGING, START, configuration, gate, governing
from journal_cases import take_one

from bot.actions import Decision, WriteSticky, skip, wait
from bot.clock import FixedClock
from bot.errors import TemporaryError
from bot.explaining import Explained, Explaining
from bot.journal import Journal
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey
from bot.observing import Observer, Rule
from config.policy import Policy


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(f"sqlite:///{tmp_path}/journal.db", FixedClock(START))
    yield opened
    await opened.close()


@dataclass
class CountingObserver:
    """Says that nothing was written yet."""

    policy: Policy
    fault: Exception | None = None

    async def written(self, effect_key: str) -> str:
        if self.fault is not None:
            raise self.fault
        return ""

    async def releases(self, key: ApplicationKey) -> tuple[str, ...]:
        return ("1.1.0",)


@dataclass(frozen=True)
class NoteFacts:
    """What the rule below decides on."""

    written: str


async def observe_note(key: EnvironmentKey, observer: Observer) -> NoteFacts:
    await observer.releases(key.owner)
    return NoteFacts(written=await observer.written("note"))


def decide_note(facts: NoteFacts, policy: Policy, now: datetime) -> Decision:
    note = WriteSticky(key=STAGING, merge_request=7, release=RELEASE, state="waiting", gates=(gate(),), because=BECAUSE)
    return skip(because="it is written") if facts.written else wait(note, because=BECAUSE, gates=(gate(),))


async def observe_releases(key: ApplicationKey, observer: Observer) -> int:
    return len(await observer.releases(key))


def decide_releases(facts: int, policy: Policy, now: datetime) -> Decision:
    return skip(because=f"{facts} release is known")


async def observe_config(key: ConfigKey, observer: Observer) -> int:
    raise AssertionError("rules about config repositories say nothing about an environment")


NOTE = Rule(name="note", about=EnvironmentKey, facts=NoteFacts, observe=observe_note, decide=decide_note)
RELEASES = Rule(name="releases", about=ApplicationKey, facts=int, observe=observe_releases, decide=decide_releases)
CONFIG = Rule(name="config", about=ConfigKey, facts=int, observe=observe_config, decide=decide_releases)


def explaining(journal: Journal, observer: CountingObserver, *rules: Rule[Any, Any]) -> Explaining:
    return Explaining(
        journal=journal,
        tenants=governing("demo"),
        rules=rules,
        observers=lambda _: cast("Observer", observer),
        clock=FixedClock(START),
    )


@pytest.fixture
def observer() -> CountingObserver:
    return CountingObserver(policy=governing("demo").policy("demo"))


async def test_each_rule_of_the_application_and_the_environment_answers(
    journal: Journal, observer: CountingObserver
) -> None:
    found = await explaining(journal, observer, NOTE, CONFIG, RELEASES).explain(STAGING)

    assert [(one.rule, one.subject, one.kind) for one in found] == [
        ("releases", str(SHOP), "skip"),
        ("note", str(STAGING), "wait"),
    ]


async def test_gates_and_wanted_actions_are_told(journal: Journal, observer: CountingObserver) -> None:
    (note,) = await explaining(journal, observer, NOTE).explain(STAGING)

    assert note == Explained(
        rule="note", subject=str(STAGING), kind="wait", because=BECAUSE, gates=(gate(),), actions=("WriteSticky",)
    )


async def test_nothing_is_recorded(journal: Journal, observer: CountingObserver) -> None:
    await explaining(journal, observer, RELEASES, NOTE).explain(STAGING)

    assert await journal.runs() == []
    assert await journal.due_in() is None


async def test_rule_that_cannot_see_says_unknown_and_the_others_answer(
    journal: Journal, observer: CountingObserver
) -> None:
    observer.fault = TemporaryError("GitLab is away. It is tried again.")

    found = await explaining(journal, observer, NOTE, RELEASES).explain(STAGING)

    assert [(one.rule, one.kind) for one in found] == [("releases", "skip"), ("note", "unknown")]
    assert found[1].because == "GitLab is away. It is tried again."


async def test_faulty_policy_and_dead_work_stand_first(journal: Journal, observer: CountingObserver) -> None:
    await journal.learn_configuration(configuration("", fault="line 3 is wrong"))
    await journal.dirty([SHOP], because="test")
    await journal.bury(await take_one(journal), reason="the project is gone")

    found = await explaining(journal, observer, RELEASES).explain(STAGING)

    assert [one.rule for one in found] == ["policy", "work", "releases"]
    assert "line 3 is wrong" in found[0].because
    assert "the project is gone" in found[1].because
