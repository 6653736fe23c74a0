"""A rollback that cannot be written as things are is left to a person: an incident says why, and who asked is told."""

from collections.abc import Iterable

from bot.actions import OpenIncident, RollBack, SettleRequest
from bot.errors import PermanentError
from bot.keys import EnvironmentKey
from bot.records import Request
from config.policy import Policy


def page(action: RollBack, error: PermanentError, policy: Policy) -> OpenIncident:
    """The release's one incident: it still stands there, and what keeps it there is for a person to mend."""
    return OpenIncident(
        key=action.key,
        release=action.release,
        back_to=action.back_to,
        failure=action.failure,
        taken_back=False,
        people=action.people or _people(action.key, policy),
        merge_request=None,
        because=f"{action.because}, but that could not be written: {_said(error)}",
    )


def refusals(action: RollBack, error: PermanentError, requests: Iterable[Request]) -> list[SettleRequest]:
    """The answer to who asked for it; left open, the request would bar every promotion and never be heard of again."""
    because = (
        f"{action.release.name} is not taken back: that could not be written: {_said(error)}. Mend that and ask again"
    )
    asked = [one for one in requests if one.kind == "rollback" and one.at == action.since]
    return [SettleRequest(request=request, outcome="refused", because=because) for request in asked]


def _people(key: EnvironmentKey, policy: Policy) -> tuple[str, ...]:
    if key.environment not in policy.environments_of(key.application):
        return ()
    return policy.environment(key.application, key.environment).rollback.people


def _said(error: PermanentError) -> str:
    return str(error).rstrip(".")
