"""Commands are found by name and imported when called, and their errors end in one place."""

from importlib import import_module
from typing import Any

import typer
from typer import main
from typer.core import TyperGroup

from bot.cli.endings import Ending, ended
from bot.errors import SluiceError

COMMANDS = {
    "demo": "bot.cli.demo:demo",
    "serve": "bot.cli.serve:serve",
    "sandbox": "bot.cli.sandbox:sandbox",
    "check-config": "bot.cli.check_config:check_config",
    "status": "bot.cli.status:status",
    "why": "bot.cli.why:why",
    "rollback": "bot.cli.rollback:rollback",
    "allow": "bot.cli.allow:allow",
    "hold": "bot.cli.hold:hold",
    "unhold": "bot.cli.hold:unhold",
    "adopt": "bot.cli.adopt:adopt",
    "events": "bot.cli.events:events",
    "version": "bot.cli.version:version",
}
"""Where each command is: a function, or a Typer of commands of its own. Adding one is its file and its line here."""


class Commands(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order they are told."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and make the command of this name; None when there is none."""
        place = COMMANDS.get(cmd_name)
        return None if place is None else _made(cmd_name, place)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it raises in our own words becomes sentences and an exit status."""
        try:
            return super().invoke(ctx)
        except (Ending, SluiceError) as error:
            raise ended(error) from error


def _made(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = main.get_command(found)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(name)(found)
    return main.get_command(alone)
