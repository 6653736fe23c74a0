"""Recorded decisions, told in the API's form."""

import msgspec

from bot.api.forms import ExplainedForm, GateForm, RunForm, WhyForm
from bot.journal import Journal
from bot.journal.runs import Run
from bot.keys import EnvironmentKey
from bot.tracing.carried import recorded_id, trace_id

LOOKED_AT = 200
"""How many of the newest runs of an environment are searched for the last one of each rule."""


class _Decision(msgspec.Struct):
    """A decision as `bot.replaying.dump_decision` writes it: each action under the name of its type."""

    kind: str
    actions: tuple[dict[str, msgspec.Raw], ...] = ()
    gates: tuple[GateForm, ...] = ()


def run_form(run: Run) -> RunForm:
    """One recorded run."""
    decision = msgspec.json.decode(run.decision, type=_Decision)
    return RunForm(
        id=run.id,
        handler=run.handler,
        subject=run.subject,
        kind=decision.kind,
        outcome=run.outcome,
        because=run.because,
        decided_at=run.decided_at,
        last_at=run.last_at,
        repeats=run.repeats,
        actions=_names(decision),
        effects=run.effects,
        causes=run.causes,
        policy_sha=run.policy_sha,
        facts_sha=run.facts_sha,
        trace=trace_id(run.trace),
    )


async def last_runs(journal: Journal, key: EnvironmentKey) -> list[Run]:
    """The last run of every rule about this environment, in the order of their names."""
    newest: dict[str, Run] = {}
    for run in await journal.runs(subject=key, limit=LOOKED_AT):
        newest.setdefault(run.handler, run)
    return [newest[name] for name in sorted(newest)]


async def newest_promotion(journal: Journal, key: EnvironmentKey) -> tuple[str, str]:
    """The id of the newest promotion into an environment, and of the trace that shows how it began; empty for none."""
    marks = await journal.promotion_marks(key)
    return (marks[0].id, recorded_id(marks[0].trace)) if marks else ("", "")


async def why_recorded(journal: Journal, key: EnvironmentKey) -> WhyForm:
    """What was last recorded of an environment: the answer when nobody can decide now."""
    runs, (promotion, trace) = await last_runs(journal, key), await newest_promotion(journal, key)
    return WhyForm(
        tenant=key.tenant,
        application=key.application,
        environment=key.environment,
        live=False,
        at=max((run.last_at for run in runs), default=None),
        explained=tuple(_explained(run) for run in runs),
        promotion=promotion,
        trace=trace,
    )


def _explained(run: Run) -> ExplainedForm:
    decision = msgspec.json.decode(run.decision, type=_Decision)
    return ExplainedForm(
        rule=run.handler,
        subject=run.subject,
        kind=decision.kind,
        because=run.because,
        gates=decision.gates,
        actions=_names(decision),
    )


def _names(decision: _Decision) -> tuple[str, ...]:
    return tuple(name for action in decision.actions for name in action)
