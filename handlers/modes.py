"""How far the bot may go: the mode of an environment, and only where this installation was adopted."""

from bot.observing import Installation
from config.policy import EnvironmentPolicy, Mode


def mode_of(environment: EnvironmentPolicy, installation: Installation) -> Mode:
    """The mode to decide by: a journal that did not adopt the config repository only observes (design section 3)."""
    return environment.mode if installation.adopted else "observe"


def muted(environment: EnvironmentPolicy, installation: Installation) -> str:
    """Why nothing may be written outside; empty when it may."""
    if not installation.adopted:
        return installation.because
    return "its mode is observe" if environment.mode == "observe" else ""
