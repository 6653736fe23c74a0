"""A command about an environment goes to the server as the caller; who waits is told the answer a rule gave."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.asking import Question, Unreached, ask
from bot.cli.endings import Code, Ending
from bot.cli.reaching import Server

if TYPE_CHECKING:
    from bot.api.forms import CommandForm, CommandStoryForm


def said(reason: str) -> str:
    """The reason as given; BadParameter when it says nothing."""
    if not reason.strip():
        raise typer.BadParameter("say why in a few words: whoever asks later reads it in Git and GitLab.")
    return reason


Application = Annotated[str, typer.Argument(help="The application's name in the policy.")]
Environment = Annotated[str, typer.Argument(help="The environment's name in the policy.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose application, when several tenants have one so named.")]
Reason = Annotated[str, typer.Option("--reason", callback=said, help="Why; it is kept, and shown in Git and GitLab.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the answer, for ten minutes at most.")]

PATIENCE = 600.0
"""Seconds. A rollback takes a few looks; one that needs a person to merge takes longer than anybody wants to wait."""
POLL_EVERY = 1.0
UNSETTLED = frozenset({"accepted", "open"})
ENDED_BADLY = {"refused": Code.REFUSED, "failed": Code.FAILED}


def command(server: Server, path: str, body: object, *, wait: bool, as_json: bool) -> None:
    """Give it and print what happens next; with `wait` the answer, and Ending with REFUSED when that is a no."""
    from bot.api.forms import CommandForm
    from bot.cli import printing

    taken = ask(server, Question(path=path, method="POST", body=body), CommandForm)
    if wait:
        typer.echo(taken.because, err=True)
    told = settled(server, taken) if wait else taken
    if as_json:
        printing.as_json(told)
    if told.state in ENDED_BADLY:
        raise Ending(ENDED_BADLY[told.state], f"{told.state}: {told.because}")
    if not as_json:
        typer.echo(told.because)


def settled(
    server: Server,
    taken: "CommandForm",
    *,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> "CommandStoryForm":
    """The command once it has an answer; Ending when it has none in time, Unreached when nobody could be asked."""
    deadline = now() + PATIENCE
    while True:
        found = _look(server, taken, last=now() >= deadline)
        if found is not None and found.state not in UNSETTLED:
            return found
        if now() >= deadline:
            raise Ending(
                Code.FAILED,
                f"command {taken.command} has no answer after {PATIENCE / 60:.0f} minutes, and stays asked for. "
                "`sluice why` tells what its environment waits for.",
            )
        pause(POLL_EVERY)


def _look(server: Server, taken: "CommandForm", *, last: bool) -> "CommandStoryForm | None":
    from bot.api.forms import CommandStoryForm

    try:
        return ask(server, Question(path=f"/commands/{taken.command}"), CommandStoryForm)
    except Unreached:
        # A server that restarts keeps the command: it is asked again until patience ends.
        if last:
            raise
        return None
