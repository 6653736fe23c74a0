"""`sluice hold` keeps promotions out of an environment for a while, and `sluice unhold` lets them in again."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.commanding import Application, Environment, Reason, Tenant, command
from bot.cli.endings import Code, Ending
from bot.cli.reaching import AsJson, Config, Reach, ServerUrl, Token, TokenFile, server_needed

if TYPE_CHECKING:
    from bot.api.undoing_forms import HoldForm


def hold(
    application: Application,
    environment: Environment,
    reason: Reason,
    until: Annotated[str, typer.Option(help="A moment with its zone, such as 2026-11-24T08:00:00Z.")] = "",
    lasts: Annotated[str, typer.Option("--for", help="A length, such as 90m, 4h or 2d.")] = "",
    tenant: Tenant = "",
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Promote nothing into an environment until a moment, for a while, or until somebody lifts the hold.

    What has failed is still taken back.
    """
    place = {"application": application, "environment": environment, "tenant": tenant}
    body = _form({**place, "reason": reason, "until": until or None, "for": lasts})
    reached = server_needed(Reach(config, server, token, token_file), "hold")
    command(reached, "/holds", body, wait=False, as_json=as_json)


def unhold(
    application: Application,
    environment: Environment,
    reason: Annotated[str, typer.Option(help="Why, if anybody may ask.")] = "",
    tenant: Tenant = "",
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Lift every hold of an environment, whoever set it."""
    from bot.api.undoing_forms import UnholdForm

    reached = server_needed(Reach(config, server, token, token_file), "unhold")
    body = UnholdForm(application=application, environment=environment, tenant=tenant, reason=reason)
    command(reached, "/holds/lift", body, wait=False, as_json=as_json)


def _form(values: dict[str, object]) -> "HoldForm":
    import msgspec

    from bot.api.undoing_forms import HoldForm

    try:
        return msgspec.convert(values, HoldForm)
    except msgspec.ValidationError as error:
        raise Ending(
            Code.USAGE,
            f"the hold cannot be understood: {error}. "
            "Write --reason TEXT, and --until like 2026-11-24T08:00:00Z or --for like 4h.",
        ) from error
