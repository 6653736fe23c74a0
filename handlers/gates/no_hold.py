"""Gate: nobody holds the environment, and nobody asked for its release to be taken back."""

from datetime import datetime

from bot.actions import Gate
from bot.observing import Hold, Request

NAME = "no hold"


def judge(holds: tuple[Hold, ...], requests: tuple[Request, ...], now: datetime) -> Gate:
    """Waiting for a hold that ends by itself or a rollback under way, red for a hold that a person must lift."""
    standing = [hold for hold in holds if hold.until is None or now < hold.until]
    if standing:
        return held(standing)
    asked = next((request for request in requests if request.kind == "rollback"), None)
    if asked is not None:
        because = f"{asked.principal} asked for a rollback, which goes first: {asked.because}"
        return Gate(name=NAME, verdict="waiting", because=because)
    return Gate(name=NAME, verdict="green", because="nobody holds it")


def held(standing: list[Hold]) -> Gate:
    """The hold that lasts longest."""
    longest = max(standing, key=lambda hold: (hold.until is None, hold.until.timestamp() if hold.until else 0.0))
    because = f"{longest.principal} holds {longest.key.application} in {longest.key.environment}: {longest.because}"
    if longest.until is None:
        command = f"`sluice unhold {longest.key.application} {longest.key.environment}`"
        return Gate(name=NAME, verdict="red", because=f"{because}; {command} lifts it")
    until = f"until {longest.until:%Y-%m-%d %H:%M:%S} UTC"
    return Gate(name=NAME, verdict="waiting", because=f"{because} ({until})")
