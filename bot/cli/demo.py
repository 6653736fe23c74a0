"""`sluice demo` takes a release from a commit to production on this machine alone, and proves each step."""

from typing import Annotated

import typer


def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything running, and print where it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, last.")] = False,
) -> None:
    """Watch Sluice promote a release through dev, staging and production.

    GitLab, registry and cluster are stand-ins in a process of their own. Exit status 0 only if every step was seen in
    GitLab and Git.
    """
    import asyncio
    import json
    import signal

    from rich.console import Console

    from bot.cli.endings import Code
    from bot.demo.report import Report
    from bot.demo.run import run
    from bot.demo.telling import Telling

    async def told() -> Report:
        running = asyncio.current_task()
        if running is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        return await run(Telling(Console()), stay=stay)

    try:
        report = asyncio.run(told())
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("stopped")
        raise typer.Exit(int(Code.DONE if stay else Code.FAILED)) from None
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    if not report.ok:
        raise typer.Exit(int(Code.FAILED))
