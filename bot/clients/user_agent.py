"""The name every outgoing request carries, so that an administrator can tell the bot's from others."""

from importlib.metadata import PackageNotFoundError, version


def user_agent() -> str:
    """`Sluice/<version>`, or `Sluice/unknown` when it runs from a folder that was never installed."""
    try:
        return f"Sluice/{version('sluice')}"
    except PackageNotFoundError:
        return "Sluice/unknown"
