"""The commands that a sentence offers to the person who reads it."""

from bot.events import EnvironmentKey


def take_back(key: EnvironmentKey) -> str:
    """Takes back what Git declares."""
    return f'`sluice rollback {key.application} {key.environment} --reason "…"`'


def allow(key: EnvironmentKey, version: str) -> str:
    """Lets a release come again that was taken back or denied."""
    return f'`sluice allow {key.application} {key.environment} {version} --reason "…"`'
