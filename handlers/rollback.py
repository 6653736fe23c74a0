"""Rollback: what failed, or what a person wants gone, goes back in Git to the last release healthy there, and stays.

What image automation writes beside the release file is judged the same way once it failed, and goes back to what the
release file declares. What it writes over a rollback (denied, pinned away or taken back, and not allowed since) is
restored at once, each time by the same effect under a natural key of its own, dated by the record of that one
intrusion: at most one commit answers each foreign one, and none of them counts as a second rollback of the release.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.actions import Decision, Gate, SettleRequest, act, digest, skip, wait, would
from bot.events import EnvironmentKey
from bot.observing import Release, Request, Rule
from config.policy import EnvironmentPolicy, Policy
from handlers.allowing import allow, refuse
from handlers.guards import (
    brake,
    caused,
    fresh,
    healthy_target,
    not_taken_back_to,
    once,
    reversible,
    settled,
)
from handlers.hints import take_back
from handlers.modes import muted
from handlers.rollback_cases import Case
from handlers.rollback_facts import RollbackFacts, observe
from handlers.taken_back import tell, try_again
from handlers.undone import went_back
from handlers.ways import LOOK_AGAIN, LOOK_AGAIN_LATER, by_a_person, carry, is_late, is_refused, way_of

SILENT = frozenset({"caused", "once"})
"""Guards that stand against a rollback without a person being paged: the policy or a person wanted it so."""
WORDS_TAKE = timedelta(seconds=15)
"""How long Flagger's sentences may come after its phase: its hooks and Kubernetes' Events are sent beside it."""


def decide(facts: RollbackFacts, policy: Policy, now: datetime) -> Decision:
    """Tell what landed, else take the next step of what is to be undone, else see what was allowed again."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    if environment.delivery == "observe":
        return follows_the_build(facts)
    if told := tell(facts, policy, now):
        return told
    undone = undo(facts, environment, now)
    if undone is not None and (undone.actions or facts.merge_request is not None):
        return undone
    nothing = skip(because=f"nothing is to be taken back in {facts.key.environment}")
    return allow(facts, environment, now) or undone or try_again(facts, environment, now) or nothing


def follows_the_build(facts: RollbackFacts) -> Decision:
    """Where Sluice writes nothing, it takes nothing back."""
    because = f"{facts.key.environment} follows the build tag itself: nothing is taken back there"
    refused = [SettleRequest(request=request, outcome="refused", because=because) for request in facts.requests]
    return skip(*refused, because=because)


def undo(facts: RollbackFacts, environment: EnvironmentPolicy, now: datetime) -> Decision | None:
    """Judge the guards and take the next step of the rollback; None when there is nothing to take back."""
    request, case = facts.asked("rollback"), facts.case
    if request is not None and (answer := answered(facts, request, case)):
        return answer
    if case is None:
        return None
    gates = judge(facts, case, environment, now)
    decision = wait_for_words(case, now) or next_step(facts, case, environment, gates, now)
    return replace(decision, gates=gates)


def wait_for_words(case: Case, now: datetime) -> Decision | None:
    """A moment for Flagger to say why its canary failed: by that it is denied or only inconclusive; else None."""
    failure = case.failure
    if (failure.cause, failure.kind) != ("canary", "unknown") or now - failure.at >= WORDS_TAKE:
        return None
    until = f"{failure.at + WORDS_TAKE:%H:%M:%S} UTC"
    because = f"{case.story}; Flagger has not said why yet, which is waited for until {until}"
    return wait(because=because, look_again=LOOK_AGAIN)


def answered(facts: RollbackFacts, request: Request, case: Case | None) -> Decision | None:
    """A request that needs no step: nobody knows the release, or Git went back already."""
    place, pin = facts.key.environment, facts.seen.pin
    if case is None:
        return refuse(request, f"no release {request.version or 'at all'} is known in {place}: nothing to take back")
    if pin is None or not went_back(facts.seen) or pin.instead_of.id != case.bad.id or case.came != "merged":
        return None
    because = f"{place} already went back from {pin.instead_of.name} to {pin.release.name}"
    return skip(SettleRequest(request=request, outcome="done", because=because), because=because)


def judge(facts: RollbackFacts, case: Case, environment: EnvironmentPolicy, now: datetime) -> tuple[Gate, ...]:
    """Every guard, in the order they are shown."""
    policy = environment.rollback
    return (
        caused.judge(case, policy.on),
        settled.judge(case, facts.seen, facts.promotions, now),
        once.judge(case, facts.seen, facts.promotions),
        not_taken_back_to.judge(case, facts.seen.pin),
        fresh.judge(case, policy.within, now),
        healthy_target.judge(case, environment),
        brake.judge(case, facts.failures, policy.brake_failures, policy.brake_within),
        reversible.judge(case, facts.comparison, facts.marks, policy.irreversible),
    )


def next_step(
    facts: RollbackFacts, case: Case, environment: EnvironmentPolicy, gates: tuple[Gate, ...], now: datetime
) -> Decision:
    """Refuse or page for a red guard, wait for a waiting one, else go back."""
    red = [gate for gate in gates if gate.verdict == "red"]
    waiting = [gate.because for gate in gates if gate.verdict == "waiting"]
    if red or case.back_to is None:
        return stop(facts, case, environment, red)
    if why := muted(environment, facts.installation):
        return mute(case, f"would take {case.bad.name} back to {case.back_to.name}, but {why}; {case.story}")
    if waiting:
        return wait(because=f"{case.story}; it waits: {'; '.join(waiting)}", look_again=LOOK_AGAIN_LATER)
    return go_back(facts, case, case.back_to, environment, now)


def stop(facts: RollbackFacts, case: Case, environment: EnvironmentPolicy, red: list[Gate]) -> Decision:
    """A request is refused; a failure that nobody left to itself pages a person, once."""
    because = f"{case.story}; it is not taken back by itself: {'; '.join(gate.because for gate in red)}"
    if case.request is not None:
        return refuse(case.request, f"{case.bad.name} is not taken back: {'; '.join(gate.because for gate in red)}")
    if SILENT & {gate.name for gate in red}:
        return skip(because=because)
    if why := muted(environment, facts.installation):
        return would(because=f"would page a person, but {why}; {because}")
    page = case.page(environment.rollback.people, because)
    if facts.written_under(page.effect_key) == digest(page):
        return Decision(kind="hold", because=f"{because}; a person was told")
    return act(page, because=because)


def mute(case: Case, because: str) -> Decision:
    """Nothing is done here; who asked for it is told so."""
    if case.request is None:
        return would(because=because)
    return would(SettleRequest(request=case.request, outcome="refused", because=because), because=because)


def go_back(
    facts: RollbackFacts, case: Case, back_to: Release, environment: EnvironmentPolicy, now: datetime
) -> Decision:
    """Write the way back, and merge it where a merge request is needed."""
    left_to_people = by_a_person(environment, facts.installation)
    request, people = facts.merge_request, environment.rollback.people
    way = way_of(environment, facts.installation, facts.rights) if request is None else "merge_request"
    change = case.rollback(back_to, way, ())
    calling = replace(change, people=people)
    written = facts.written_under(change.effect_key)
    if case.request is not None and request is None and written and is_late(case.request.at, now):
        return refuse(case.request, not_wanted(case, back_to))
    stuck = request is not None and (is_refused(request) or is_late(case.failure.at, now))
    if left_to_people or stuck or written == digest(calling):
        change = calling
    return carry(change, request, written, left_to_people=left_to_people)


def not_wanted(case: Case, back_to: Release) -> str:
    """The answer to a request whose rollback a person closed or reverted; left open, it would bar every promotion."""
    return (
        f"what takes {case.bad.name} back to {back_to.name} was written, and is neither in Git nor asked for any more: "
        f"a person closed its merge request or reverted it. If it is wanted still, {take_back(case.key)}"
    )


RULE: Rule[EnvironmentKey, RollbackFacts] = Rule(
    name="rollback", about=EnvironmentKey, facts=RollbackFacts, observe=observe, decide=decide
)
