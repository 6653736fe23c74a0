"""What a person passes over: gates and environments, by name, for a reason, and to be reviewed by a day."""

from dataclasses import replace
from datetime import timedelta

from bot.actions import Gate
from bot.observing import Request
from handlers.gates import OVERRIDABLE, gate_name

REVIEW_WITHIN = timedelta(days=7)
"""An override is a debt: somebody looks at it within a week (design section 5)."""


def skipped(requests: tuple[Request, ...]) -> frozenset[str]:
    """The environments that need not have had the release before."""
    return frozenset(environment for request in requests for environment in request.skip)


def remaining(after: tuple[str, ...], requests: tuple[Request, ...]) -> tuple[str, ...]:
    """The environments in which the release must be healthy still."""
    return tuple(name for name in after if name not in skipped(requests))


def overridden(gate: Gate, requests: tuple[Request, ...], firm: frozenset[str]) -> Gate:
    """The gate, green where a person passes over it. firm: gates that nobody passes over as things are."""
    if gate.verdict == "green" or gate.name not in OVERRIDABLE or gate.name in firm:
        return gate
    by = next((one for one in requests if gate.name in map(gate_name, one.override)), None)
    return gate if by is None else replace(gate, verdict="green", because=f"{debt('overridden', by)} ({gate.because})")


def told_of_skips(gate: Gate, after: tuple[str, ...], requests: tuple[Request, ...]) -> Gate:
    """The gate of the environments before, with who left which of them out."""
    debts = [
        debt(f"{name} is skipped", request)
        for request in requests
        for name in dict.fromkeys(request.skip)
        if name in after
    ]
    return replace(gate, because="; ".join([gate.because, *debts])) if debts else gate


def debt(what: str, request: Request) -> str:
    """Who passed over what, why, and by when somebody looks at it."""
    due = request.at + REVIEW_WITHIN
    return f"{what} by {request.principal}: {request.because}, to be reviewed until {due:%Y-%m-%d}"
