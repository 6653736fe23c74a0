"""`sluice allow` lets a release in again that was taken back."""

from typing import Annotated

import typer

from bot.cli.commanding import Application, Environment, Reason, Tenant, Wait, command
from bot.cli.reaching import AsJson, Config, Reach, ServerUrl, Token, TokenFile, server_needed


def allow(
    application: Application,
    environment: Environment,
    version: Annotated[str, typer.Argument(help="The version that was taken back.")],
    reason: Reason,
    wait: Wait = False,
    tenant: Tenant = "",
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a release into an environment again that was taken back from it.

    Its denial is revoked in Git. It is promoted again only if every other condition holds.
    """
    from bot.api.undoing_forms import AllowForm

    reached = server_needed(Reach(config, server, token, token_file), "allow")
    body = AllowForm(application=application, environment=environment, tenant=tenant, version=version, reason=reason)
    command(reached, "/allow", body, wait=wait, as_json=as_json)
