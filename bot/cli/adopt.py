"""`sluice adopt` ties this installation to a config repository: from then on it may act there."""

from typing import Annotated

import typer

from bot.cli.reaching import AsJson, Config, Reach, ServerUrl, Token, TokenFile, server_needed


def adopt(
    tenant: Annotated[str, typer.Argument(help="The tenant's name in the settings.")],
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let this installation act on a tenant's config repository.

    The server writes its identity to .sluice/install on the default branch. Until then, and in every other
    installation, it only observes.
    """
    from bot.api.forms import AdoptForm, CommandForm
    from bot.cli import printing
    from bot.cli.asking import Question, ask

    reached = server_needed(Reach(config, server, token, token_file), "adopt")
    taken = ask(reached, Question(path="/adopt", method="POST", body=AdoptForm(tenant=tenant)), CommandForm)
    if as_json:
        printing.as_json(taken)
        return
    typer.echo(taken.because)
