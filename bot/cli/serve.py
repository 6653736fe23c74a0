"""`sluice serve` runs the bot until it is told to stop."""

import errno

import typer

from bot.cli.endings import Code, Ending
from bot.cli.reaching import Config

CANNOT_LISTEN = {
    errno.EADDRINUSE: "another program listens there",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "the user it runs as may not",
}


def serve(config: Config = None) -> None:
    """Run the bot: receive, decide, act.

    Settings come from the file and from SLUICE_… variables. It prints its address once it is ready, logs to stderr, and
    ends by SIGTERM or SIGINT after what is under way.
    """
    import asyncio

    from bot import app
    from bot.cli import logs
    from config.settings import load

    settings = load(config)
    logs.configure(settings)
    try:
        asyncio.run(app.serve(settings, _ready))
    except OSError as error:
        why = CANNOT_LISTEN.get(error.errno or 0)
        if why is None:
            raise
        place = f"{settings.listen.host}:{settings.listen.port}"
        message = f"cannot listen on {place}: {why}. Mend listen in the settings."
        raise Ending(Code.FAILED, message) from error


def _ready(url: str) -> None:
    typer.echo(f"sluice is ready at {url}")
