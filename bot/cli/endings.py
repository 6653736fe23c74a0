"""How a command ends when it does not end well: a code that scripts can tell apart, and sentences on stderr."""

from enum import IntEnum

import typer

from bot.errors import SluiceError, TemporaryError


class Code(IntEnum):
    """The exit status of every command."""

    DONE = 0
    FAILED = 1
    """Findings, or a failure that a person must look at."""
    USAGE = 2
    """Wrong options, or settings that cannot be used."""
    UNREACHED = 3
    """The server did not answer."""
    REFUSED = 4
    """The server answered and said no: no token, a wrong one, or something must be mended first."""


class Ending(Exception):
    """A command cannot go on; the text says what happened, why, and what to do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def ended(error: Ending | SluiceError) -> typer.Exit:
    """Say why on stderr, and how the process exits."""
    for line in str(error).splitlines():
        typer.secho(line, err=True, fg=typer.colors.RED)
    return typer.Exit(int(_code(error)))


def _code(error: Ending | SluiceError) -> Code:
    from config.diagnostics import ConfigurationFault

    if isinstance(error, Ending):
        return error.code
    if isinstance(error, ConfigurationFault):
        return Code.USAGE
    return Code.UNREACHED if isinstance(error, TemporaryError) else Code.FAILED
