"""Gate: nothing is promoted onto an environment that is failing, or still rolling something out."""

from bot.actions import Gate
from bot.observing import EnvironmentSeen


def judge(seen: EnvironmentSeen) -> Gate:
    """Green only when every cluster is healthy; unknown is never healthy (failures F12)."""
    name = "target settled"
    if seen.declared is None:
        return Gate(name=name, verdict="green", because=f"nothing runs in {seen.environment} yet")
    if not seen.clusters:
        return Gate(name=name, verdict="red", because=f"no cluster is known to carry {seen.environment}")
    match seen.health:
        case "healthy" if seen.running is not None and seen.running.id == seen.declared.id:
            return Gate(name=name, verdict="green", because=f"{seen.environment} is healthy on {seen.declared.name}")
        case "failed":
            return Gate(name=name, verdict="red", because=f"{seen.environment} is failing: {seen.trouble}")
        case "unknown":
            return Gate(name=name, verdict="red", because=f"the health of {seen.environment} is unknown: {seen.trouble}")
        case "healthy" | "progressing":
            because = f"{seen.environment} is still rolling out {seen.declared.name}"
            return Gate(name=name, verdict="waiting", because=because)
