"""`sluice status` shows every application in each environment: what is declared, what runs, what is waited for."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reaching import AsJson, Config, Offline, Reach, ServerUrl, Token, TokenFile

if TYPE_CHECKING:
    from bot.api.forms import EnvironmentForm, StatusForm, TenantForm
    from bot.cli.reading import Book


def status(
    application: Annotated[str, typer.Argument(help="Only this application.")] = "",
    tenant: Annotated[str, typer.Option(help="Only this tenant.")] = "",
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Show tenants, and applications in their environments.

    Without a server it is read from the journal: what the server last saw and decided.
    """
    from bot.api.forms import StatusForm
    from bot.api.status import read_status
    from bot.cli import printing, reading
    from bot.cli.asking import Question
    from bot.clock import SystemClock

    async def look(book: "Book") -> StatusForm:
        url = book.settings.gitlab.url
        return await read_status(
            book.journal, book.tenants, SystemClock(), gitlab_url=url, tenant=tenant, application=application
        )

    question = Question(path="/status", query=(("tenant", tenant), ("application", application)))
    found = reading.answer(Reach(config, server, token, token_file), question, StatusForm, look, offline=offline)
    if as_json:
        printing.as_json(found)
        return
    _show(found)


def _show(found: "StatusForm") -> None:
    from bot.cli import printing

    counts = ", ".join(f"{count} {phase}" for phase, count in sorted(found.deliveries.items())) or "none"
    typer.echo(f"sluice {found.version}, installation {found.installation[:12]}; deliveries: {counts}")
    for tenant in found.tenants:
        typer.echo(_tenant(tenant))
        if tenant.policy_fault:
            typer.secho(f"  its newest policy is not used: {tenant.policy_fault}", fg=typer.colors.RED)
    for dead in found.dead:
        typer.secho(f"given up: {dead.key}, because {dead.reason}", fg=typer.colors.RED)
        if dead.causes:
            typer.echo(f"  once it is mended: sluice events redeliver {dead.causes[-1]}")
    for row in found.environments:
        for line in _standing(row):
            typer.secho(line, fg=typer.colors.YELLOW)
    head = ("APPLICATION", "ENVIRONMENT", "DECLARED", "RUNNING", "HEALTH", "PROMOTION", "BECAUSE")
    printing.table(head, (_row(row) for row in found.environments))


def _standing(row: "EnvironmentForm") -> list[str]:
    """What keeps releases out of the environment until somebody or something lifts it."""
    from bot.cli import printing

    place = f"{row.application} in {row.environment}"
    lines = []
    if row.pin:
        pin = row.pin
        since = f"since {printing.moment(pin.since)} UTC (by {pin.by}, failure {pin.failure})"
        lines.append(f"pinned: {place} stays at {pin.version} instead of {pin.instead_of} {since}: {pin.because}")
    for hold in row.holds:
        end = f"until {printing.moment(hold.until)} UTC" if hold.until else "until lifted"
        lines.append(f"held: {place} {end} (by {hold.principal}): {hold.because}")
    if row.denied:
        lines.append(f"denied: {place}: {', '.join(row.denied)}")
    return lines


def _tenant(tenant: "TenantForm") -> str:
    adopted = "adopted" if tenant.adopted else "observed only (`sluice adopt` lets it act)"
    head = f"at {tenant.head[:8]}" if tenant.head else "not looked at yet"
    return f"{tenant.tenant}: {tenant.config_project} ({tenant.branch}) {head}, {adopted}"


def _row(row: "EnvironmentForm") -> tuple[str, ...]:
    promotion = row.promotion
    name = f"{promotion.version} {promotion.state}" if promotion else "-"
    if promotion and promotion.failure:
        name += f" ({promotion.failure})"
    if promotion and promotion.merge_request:
        name += f" !{promotion.merge_request}"
    because = promotion.because if promotion else row.last_run.because if row.last_run else "not looked at yet"
    return (row.application, row.environment, row.declared or "-", row.running or "-", row.health, name, because)
