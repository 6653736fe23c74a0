"""Facts and decisions as canonical JSON, so that every run can be decided again from what was recorded."""

import json
from typing import Any

from pydantic import TypeAdapter

from bot.actions import Decision, Gate
from bot.observing import Rule

_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(type_: type[Any]) -> TypeAdapter[Any]:
    """Made once for each type: building one costs more than all its later work."""
    if type_ not in _ADAPTERS:
        _ADAPTERS[type_] = TypeAdapter(type_)
    return _ADAPTERS[type_]


def dump_facts(rule: Rule[Any, Any], facts: Any) -> bytes:
    """The facts of a rule as JSON; equal facts give equal bytes (fields keep their order)."""
    return _adapter(rule.facts).dump_json(facts)


def load_facts(rule: Rule[Any, Any], body: bytes) -> Any:
    """The facts that `dump_facts` wrote."""
    return _adapter(rule.facts).validate_json(body)


def dump_decision(decision: Decision) -> bytes:
    """A decision as JSON, each action under the name of its type; equal decisions give equal bytes."""
    actions = [
        {type(action).__name__: _adapter(type(action)).dump_python(action, mode="json")} for action in decision.actions
    ]
    look_again = decision.look_again.total_seconds() if decision.look_again else None
    document = {"kind": decision.kind, "because": decision.because, "look_again": look_again, "actions": actions}
    document["gates"] = [_adapter(Gate).dump_python(gate, mode="json") for gate in decision.gates]
    return json.dumps(document, separators=(",", ":")).encode()
