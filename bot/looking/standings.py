"""What runs where, from the journal alone: it costs GitLab and the clusters nothing."""

from datetime import datetime

from bot.answers import StandingLine
from bot.journal import Journal
from bot.keys import ApplicationKey, EnvironmentKey
from bot.records import EnvironmentState, Health, Hold, Promotion
from config.policy import Policy

WORST: tuple[Health, ...] = ("failed", "unknown", "progressing", "healthy")
ON_ITS_WAY = frozenset({"waiting", "ready", "merging", "applied"})


async def standings(
    journal: Journal, policy: Policy, tenant: str, application: str, now: datetime
) -> list[StandingLine]:
    """Each environment of an application, or of all of them, in promotion order."""
    lines: list[StandingLine] = []
    for name in [application] if application else sorted(policy.applications):
        key = ApplicationKey(tenant, name)
        states = await journal.environment_states(key)
        promotions = await journal.promotions(key)
        for environment in policy.environments_of(name):
            here = EnvironmentKey(tenant, name, environment)
            holds = [hold for hold in await journal.holds(here) if hold.until is None or hold.until > now]
            mine = [state for state in states if state.key == here]
            lines.append(_line(here, mine, [p for p in promotions if p.key == here], holds))
    return lines


def _line(
    key: EnvironmentKey, states: list[EnvironmentState], promotions: list[Promotion], holds: list[Hold]
) -> StandingLine:
    coming = next((promotion for promotion in promotions if promotion.state in ON_ITS_WAY), None)
    healths = {state.health for state in states}
    return StandingLine(
        key=key,
        release=", ".join(sorted({state.version for state in states if state.version})),
        health=next((health for health in WORST if health in healths), "unknown"),
        coming=coming.release.name if coming else "",
        waits=coming.because if coming else "",
        holds=tuple(f"held by {hold.principal}: {hold.because}" for hold in holds),
    )
