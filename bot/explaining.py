"""Why is it not promoted? The deciding code itself answers, run now, without acting and without a trace."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bot.actions import DecisionKind, Gate
from bot.clock import Clock
from bot.errors import PermanentError, TemporaryError
from bot.journal import Journal
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey, Key, Subject
from bot.observing import Observer, Rule
from bot.tenants import Tenants
from config.policy import Policy

ExplainedKind = DecisionKind | Literal["unknown"]
"""unknown: the world could not be read, so the rule could not decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What one rule would decide now. `rule` is `policy` or `work` where the machine itself stands in the way.

    gates: those the decision shows, empty when it shows none. actions: the names of what it wants.
    """

    rule: str
    subject: str
    kind: ExplainedKind
    because: str
    gates: tuple[Gate, ...] = ()
    actions: tuple[str, ...] = ()


class Explainer(Protocol):
    """Who answers `why`."""

    async def explain(self, key: EnvironmentKey) -> list[Explained]:
        """Every rule that is about this environment or its application, in the order they run."""
        ...


class Explaining:
    """Runs the rules as the worker does, and only tells what they decided."""

    def __init__(
        self,
        *,
        journal: Journal,
        tenants: Tenants,
        rules: Sequence[Rule[Any, Any]],
        observers: Callable[[Policy], Observer],
        clock: Clock,
    ) -> None:
        """observers: makes the observer of one look, given the policy to decide by."""
        self._journal = journal
        self._tenants = tenants
        self._rules = rules
        self._observers = observers
        self._clock = clock

    async def explain(self, key: EnvironmentKey) -> list[Explained]:
        """What keeps the machine from looking, then what each rule decides; a rule that cannot see says `unknown`."""
        policy = self._tenants.policy(key.tenant)
        observer = self._observers(policy)
        found = await self._in_the_way(key)
        for rule, subject in about(key, self._rules):
            found.append(await self._decided(rule, subject, observer, policy))
        return found

    async def _in_the_way(self, key: EnvironmentKey) -> list[Explained]:
        tenant = await self._journal.tenant(key.tenant)
        found = []
        if tenant is not None and tenant.fault:
            because = f"the newest policy is not used, the last good one is: {tenant.fault}"
            found.append(Explained(rule="policy", subject=str(ConfigKey(key.tenant)), kind="hold", because=because))
        ours: tuple[Key, ...] = (ConfigKey(key.tenant), key.owner)
        for dead in await self._journal.dead_work():
            if dead.key in ours:
                because = f"work on it was given up and waits for a person: {dead.reason}"
                found.append(Explained(rule="work", subject=str(dead.key), kind="hold", because=because))
        return found

    async def _decided(self, rule: Rule[Any, Any], subject: Subject, observer: Observer, policy: Policy) -> Explained:
        try:
            decision = rule.decide(await rule.observe(subject, observer), policy, self._clock.now())
        except (TemporaryError, PermanentError) as error:
            return Explained(rule=rule.name, subject=str(subject), kind="unknown", because=str(error))
        return Explained(
            rule=rule.name,
            subject=str(subject),
            kind=decision.kind,
            because=decision.because,
            gates=decision.gates,
            actions=tuple(type(action).__name__ for action in decision.actions),
        )


def about(key: EnvironmentKey, rules: Iterable[Rule[Any, Any]]) -> Iterator[tuple[Rule[Any, Any], Subject]]:
    """The rules of the application, then those of the environment, each with what it is about."""
    yield from ((rule, key.owner) for rule in rules if rule.about is ApplicationKey)
    yield from ((rule, key) for rule in rules if rule.about is EnvironmentKey)
