"""`sluice why` asks the deciding code itself why an environment is as it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reaching import AsJson, Config, Offline, Reach, ServerUrl, Token, TokenFile

if TYPE_CHECKING:
    from bot.api.forms import WhyForm
    from bot.cli.reading import Book


def why(
    application: Annotated[str, typer.Argument(help="The application's name in the policy.")],
    environment: Annotated[str, typer.Argument(help="The environment's name in the policy.")],
    tenant: Annotated[str, typer.Option(help="Whose application, when several tenants have one of this name.")] = "",
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Say why an application is, or is not, promoted into an environment.

    The server runs the very rules that decide, now, without doing anything. Without a server the last recorded
    decisions are told, and when they were made.
    """
    from bot.api.forms import WhyForm
    from bot.api.history import why_recorded
    from bot.api.naming import known_environment
    from bot.cli import printing, reading
    from bot.cli.asking import Question

    async def look(book: "Book") -> WhyForm:
        return await why_recorded(book.journal, known_environment(book.tenants, application, environment, tenant))

    query = (("application", application), ("environment", environment), ("tenant", tenant))
    reach = Reach(config, server, token, token_file)
    found = reading.answer(reach, Question(path="/why", query=query), WhyForm, look, offline=offline)
    if as_json:
        printing.as_json(found)
        return
    _show(found)


def _show(found: "WhyForm") -> None:
    from bot.cli import printing

    when = "decided now" if found.live else f"as last recorded ({printing.moment(found.at)} UTC)"
    typer.secho(f"{found.application} in {found.environment} ({found.tenant}), {when}:", bold=True)
    if not found.explained:
        typer.echo("  nothing was decided about it yet")
    for one in found.explained:
        typer.echo(f"  {one.rule.ljust(12)} {printing.colour(one.kind.ljust(8))} {one.because}")
        for gate in one.gates:
            typer.echo(f"    {gate.name.ljust(18)} {printing.colour(gate.verdict.ljust(8))} {gate.because}")
    if found.trace:
        typer.echo(f"  {'trace'.ljust(12)} {found.trace}, where promotion {found.promotion} began")
