"""A command is written down before it is carried out, with who gave it, by which door, and what came of it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, update

from bot.api.forms import CommandForm
from bot.clock import Clock
from bot.errors import PermanentError, TemporaryError
from bot.journal import Journal, delivery_id
from bot.journal.audit import write_audit
from bot.journal.schema_records import commands

DOOR = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a caller asks for. bound_to: the key or delivery it is about. delivery: the one it sends again, if any."""

    principal: str
    text: str
    bound_to: str
    delivery: str | None = None


class Commands:
    """The book of what callers of the API asked for."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def run(self, command: Command, deed: Callable[[], Awaitable[str]]) -> CommandForm:
        """Store it as accepted, do it, store what came of it; `deed` returns the sentence, its errors are passed on."""
        now = self._clock.now()
        number = delivery_id(now)
        row = {
            "id": number,
            "delivery": command.delivery,
            "principal": command.principal,
            "door": DOOR,
            "text": command.text,
            "bound_to": command.bound_to,
            "state": "accepted",
            "because": "",
            "at": now,
        }
        await self._write(lambda c: c.execute(insert(commands).values(row)))
        try:
            because = await deed()
        except (TemporaryError, PermanentError) as error:
            await self._end(number, command, "failed", str(error))
            raise
        await self._end(number, command, "done", because)
        return CommandForm(command=number, bound_to=command.bound_to, state="done", because=because)

    async def _end(self, number: str, command: Command, state: str, because: str) -> None:
        now = self._clock.now()
        told = {
            "command": number,
            "principal": command.principal,
            "door": DOOR,
            "text": command.text,
            "state": state,
            "because": because,
        }
        payload = json.dumps(told, sort_keys=True).encode()

        def settle(connection: Connection) -> None:
            settled = update(commands).where(commands.c.id == number).values(state=state, because=because)
            connection.execute(settled)
            write_audit(connection, command.bound_to, "command", payload, now)

        await self._write(settle)

    async def _write(self, fn: Callable[[Connection], object]) -> None:
        # The journal has no area for commands of its own yet; this is the one place that writes them.
        await self._journal._write(fn)
