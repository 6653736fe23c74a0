"""`sluice demo` takes a release to production and a bad one back, on this machine alone, and proves each step."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.endings import Code

if TYPE_CHECKING:
    from bot.demo.report import Report


def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything running, and print where it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, last.")] = False,
) -> None:
    """Watch a release go to production, and a bad one come back.

    GitLab, registry and cluster are stand-ins in a process of their own. Exit status 0 only if every step was seen in
    GitLab and Git.
    """
    import asyncio
    import json

    from rich.console import Console

    from bot.demo.run import run
    from bot.demo.telling import Telling

    reports: list[Report] = []

    def reported(report: "Report") -> None:
        reports.append(report)
        if as_json:
            typer.echo(json.dumps(report.as_json()))

    async def told() -> None:
        _end_by_signals()
        await run(Telling(Console()), reported, stay=stay)

    try:
        asyncio.run(told())
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("stopped", err=True)
    raise typer.Exit(int(Code.DONE if reports and reports[0].ok else Code.FAILED))


def _end_by_signals() -> None:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does: the children first, then the folder."""
    import asyncio
    import signal

    running = asyncio.current_task()
    if running is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
