"""`sluice serve` runs the bot until it is told to stop."""

import typer

from bot.cli.reaching import Config


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
    asyncio.run(app.serve(settings, _ready))


def _ready(url: str) -> None:
    typer.echo(f"sluice is ready at {url}")
