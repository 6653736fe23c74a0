"""`sluice rollback` asks for a release to be taken back, or makes the same commit where no server is."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.commanding import Application, Environment, Reason, Tenant, Wait, command
from bot.cli.endings import Code, Ending
from bot.cli.reaching import AsJson, Config, Reach, ServerUrl, Token, TokenFile, server_needed

if TYPE_CHECKING:
    from bot.cli.local_rollback import Wish


def rollback(
    application: Application,
    environment: Environment,
    reason: Reason,
    version: Annotated[str, typer.Option(help="What to take back; by default what Git declares.")] = "",
    deny: Annotated[bool, typer.Option("--deny", help="Its images never come back by themselves.")] = False,
    wait: Wait = False,
    offline: Annotated[bool, typer.Option("--offline", help="Make the commit in a checkout; needs no server.")] = False,
    repo: Annotated[Path, typer.Option(help="With --offline: a checkout of the config repository.")] = Path(),
    to: Annotated[str, typer.Option(help="With --offline: the version to go back to.")] = "",
    as_patch: Annotated[bool, typer.Option("--print", help="With --offline: print the patch, change nothing.")] = False,
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

    With --offline the commit is made on a branch of a checkout, and the steps left are printed: no rule is asked.
    """
    if offline:
        from bot.cli.local_rollback import Wish

        wish = Wish(
            application=application,
            environment=environment,
            tenant=tenant or "local",
            to=to,
            version=version,
            reason=reason,
            deny=deny,
        )
        _offline(repo, wish, as_patch=as_patch, as_json=as_json)
        return
    from bot.api.undoing_forms import RollbackForm

    if to or as_patch:
        raise Ending(Code.USAGE, "--to and --print are for --offline: the server knows what was healthy there.")
    reached = server_needed(Reach(config, server, token, token_file), "rollback")
    body = RollbackForm(
        application=application, environment=environment, tenant=tenant, reason=reason, version=version, deny=deny
    )
    command(reached, "/rollbacks", body, wait=wait, as_json=as_json)


def _offline(repo: Path, wish: "Wish", *, as_patch: bool, as_json: bool) -> None:
    from bot.cli import printing
    from bot.cli.local_rollback import build, checkout
    from bot.cli.local_steps import steps
    from bot.clock import SystemClock

    if not wish.to:
        raise Ending(Code.USAGE, "without the server nobody knows what was healthy there. Name it: --to VERSION.")
    found = checkout(repo)
    made = asyncio.run(build(found, wish, SystemClock().now(), push=not as_patch))
    left = steps(found, made, applied=not as_patch)
    if as_json:
        branch = "" if as_patch else made.action.key.rollback_branch
        printing.as_json({"commit": made.sha, "branch": branch, "patch": made.patch, "steps": left})
        return
    typer.echo(made.patch if as_patch else "\n".join(left))
    if as_patch:
        typer.echo("\n".join(left), err=True)
