"""The commands of `sluice`, one file per command, each imported only when it is called."""

import typer

from bot.cli.group import Commands

main = typer.Typer(
    name="sluice",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


@main.callback(epilog="Exit status: 0 done, 1 findings or failure, 2 wrong usage, 3 server not reached, 4 refused.")
def sluice() -> None:
    """The promotion and rollback bot for teams on GitLab and Flux."""
