"""`sluice rollback` asks for a release to be taken back."""

from typing import Annotated

import typer

from bot.cli.commanding import Application, Environment, Reason, Tenant, Wait, command
from bot.cli.reaching import AsJson, Config, Reach, ServerUrl, Token, TokenFile, server_needed


def rollback(
    application: Application,
    environment: Environment,
    reason: Reason,
    version: Annotated[str, typer.Option(help="What to take back; by default what Git declares.")] = "",
    deny: Annotated[bool, typer.Option("--deny", help="Its images never come back by themselves.")] = False,
    wait: Wait = False,
    tenant: Tenant = "",
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a release back from an environment.

    Git returns to the release that was healthy there before, and a pin keeps it there. The server's rules do it, or say
    why not: there must be a release to go back to that was healthy there, and no release is taken back twice.
    """
    from bot.api.undoing_forms import RollbackForm

    reached = server_needed(Reach(config, server, token, token_file), "rollback")
    body = RollbackForm(
        application=application, environment=environment, tenant=tenant, reason=reason, version=version, deny=deny
    )
    command(reached, "/rollbacks", body, wait=wait, as_json=as_json)
