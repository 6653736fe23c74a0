"""`sluice events` shows what arrived and what became of it, and sends a delivery through again."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.endings import Code, Ending
from bot.cli.reaching import AsJson, Config, Offline, Reach, ServerUrl, Token, TokenFile, server_needed

if TYPE_CHECKING:
    from bot.api.forms import DeliveryStoryForm
    from bot.cli.reading import Book

events = typer.Typer(
    help="What arrived, and what became of it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

DeliveryId = Annotated[str, typer.Argument(help="The delivery's id.", metavar="ID")]


@events.command("list")
def list_(
    phase: Annotated[str, typer.Option(help="received, done, unheard, unreadable or dead.")] = "",
    endpoint: Annotated[str, typer.Option(help="A sender, such as gitlab or flux/CLUSTER.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first."""
    from bot.api.forms import DeliveriesForm
    from bot.api.queries import PHASES
    from bot.api.received import read_deliveries
    from bot.cli import printing, reading
    from bot.cli.asking import Question

    wanted = next((known for known in PHASES if known == phase), None)
    if phase and wanted is None:
        raise typer.BadParameter(f"the phases are {', '.join(PHASES)}", param_hint="--phase")

    async def look(book: "Book") -> DeliveriesForm:
        return await read_deliveries(book.journal, phase=wanted, endpoint=endpoint or None, limit=limit)

    query = (("phase", phase), ("endpoint", endpoint), ("limit", str(limit)))
    reach = Reach(config, server, token, token_file)
    found = reading.answer(reach, Question(path="/deliveries", query=query), DeliveriesForm, look, offline=offline)
    if as_json:
        printing.as_json(found)
        return
    rows = (
        (row.id, printing.moment(row.received_at), row.endpoint, row.phase, str(row.size), row.reason)
        for row in found.deliveries
    )
    printing.table(("ID", "RECEIVED (UTC)", "ENDPOINT", "PHASE", "BYTES", "REASON"), rows)


@events.command("show")
def show(
    delivery: DeliveryId,
    body: Annotated[bool, typer.Option("--body", help="Also the body, with secrets masked.")] = False,
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Show one delivery: what it said, and what was decided because of it."""
    from bot.api.forms import DeliveryStoryForm
    from bot.api.received import read_delivery
    from bot.cli import printing, reading
    from bot.cli.asking import Question

    async def look(book: "Book") -> DeliveryStoryForm:
        return await read_delivery(book.journal, delivery, with_body=body)

    query = (("body", "true"),) if body else ()
    question = Question(path=f"/deliveries/{_part(delivery)}", query=query)
    reach = Reach(config, server, token, token_file)
    found = reading.answer(reach, question, DeliveryStoryForm, look, offline=offline)
    if as_json:
        printing.as_json(found)
        return
    _show(found)


@events.command("redeliver")
def redeliver(
    delivery: DeliveryId,
    config: Config = None,
    server: ServerUrl = "",
    token: Token = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Send a delivery through again: it is parsed anew, and revives the work it caused."""
    from bot.api.forms import CommandForm
    from bot.cli import printing
    from bot.cli.asking import Question, ask

    reached = server_needed(Reach(config, server, token, token_file), "events redeliver")
    question = Question(path=f"/deliveries/{_part(delivery)}/redeliver", method="POST")
    taken = ask(reached, question, CommandForm)
    if as_json:
        printing.as_json(taken)
        return
    typer.echo(taken.because)


def _part(delivery: str) -> str:
    """The id as one part of a path; Ending for what cannot be one."""
    if not delivery.replace("-", "").isalnum():
        raise Ending(Code.USAGE, f"{delivery!r} is no delivery's id. `sluice events list` shows them.")
    return delivery


def _show(found: "DeliveryStoryForm") -> None:
    from bot.cli import printing
    from bot.tracing.carried import trace_id

    stored = found.delivery
    typer.secho(f"{stored.id} from {stored.endpoint}, {stored.phase}", bold=True)
    lines = {
        "received": f"{printing.moment(stored.received_at)} UTC, {stored.size} bytes",
        "reason": stored.reason,
        "bound to": found.scope,
        "headers": ", ".join(f"{name}: {value}" for name, value in sorted(found.headers.items())),
        "sha256": found.body_sha256 or "the body was dropped by retention",
        "trace": trace_id(found.trace),
        "says the same as": stored.duplicate_of,
        "sent again": f"{stored.attempts} times" if stored.attempts else "",
        "keys": ", ".join(found.keys),
    }
    for name, value in lines.items():
        if value:
            typer.echo(f"  {name.ljust(16)} {value}")
    for run in found.runs:
        elsewhere = "" if run.trace == trace_id(found.trace) else f" (trace {run.trace})"
        typer.echo(f"  {run.handler.ljust(16)} {run.subject}: {run.outcome}, because {run.because}{elsewhere}")
    if found.body is not None:
        printing.as_json(found.body)
