"""`sluice sandbox` runs the embedded GitLab, registry and cluster alone, until it is told to stop."""

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from bot.errors import PermanentError
from bot.sandbox.sandbox import Sandbox


def sandbox(
    data: Annotated[Path, typer.Option(help="A folder of its own; emptied at every start.")] = Path("sandbox-data"),
    port: Annotated[int, typer.Option(help="GitLab's port; 0 takes a free one.", min=0, max=65535)] = 0,
    bot_url: Annotated[str | None, typer.Option(help="Where the bot listens; webhooks go there.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve a GitLab, a registry and a cluster with a small world in them.

    Prints one line of JSON when everything is ready: addresses and tokens. Runs until SIGTERM or SIGINT.
    Exit status: 0 stopped as asked, 2 could not start.
    """
    # Standard output carries the one line that programs read.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        asyncio.run(_run(data.resolve(), port, bot_url, host))
    except PermanentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


async def _run(data: Path, port: int, bot_url: str | None, host: str) -> None:
    stop = asyncio.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    running = await Sandbox.start(data, port=port, bot_url=bot_url, host=host)
    try:
        typer.echo(json.dumps(running.facts))
        await stop.wait()
    finally:
        await running.stop()
