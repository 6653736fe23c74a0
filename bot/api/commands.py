"""A command is written down before it is carried out, with who gave it, by which door, and what came of it."""

from collections.abc import Awaitable, Callable

from bot.api.forms import CommandForm
from bot.errors import PermanentError, TemporaryError
from bot.journal import Journal
from bot.journal.commands import Order

DOOR = "api"


async def run(journal: Journal, order: Order, deed: Callable[[], Awaitable[str]]) -> CommandForm:
    """Store it as accepted, do it, store what came of it; `deed` returns the sentence, its errors are passed on."""
    number = await journal.accept(order)
    try:
        because = await deed()
    except (TemporaryError, PermanentError) as error:
        await journal.end(number, order, "failed", str(error))
        raise
    await journal.end(number, order, "done", because)
    return CommandForm(command=number, bound_to=order.bound_to, state="done", because=because)


async def ask(journal: Journal, order: Order, because: str) -> CommandForm:
    """Store it as open: a rule carries it out; `because` says what happens next."""
    number = await journal.ask(order, because)
    return CommandForm(command=number, bound_to=order.bound_to, state="open", because=because)
