"""What people asked for: who, by which door, about what, and the answer; a request waits until a rule settles it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, insert, select, update

from bot.actions import SettleRequest
from bot.commanded import Spoken
from bot.errors import PermanentError
from bot.journal.area import Area
from bot.journal.audit import write_audit
from bot.journal.dirtying import mark_dirty, marks_of
from bot.journal.heard import HEARD, wake_thread
from bot.journal.inbox import delivery_id
from bot.journal.schema_records import commands
from bot.keys import EnvironmentKey
from bot.records import Request, RequestKind

CommandState = Literal["accepted", "open", "done", "refused", "failed"]
"""accepted: it is being carried out. open: a rule will deal with it. The others are how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command as it is given.

    kind: its first word. text: as a person would write it. bound_to: the key, environment or delivery it is about.
    key: the environment, when it is about one. arguments: what else was said. delivery: the one it sends again.
    """

    kind: str
    principal: str
    door: str
    text: str
    bound_to: str
    key: EnvironmentKey | None = None
    arguments: Mapping[str, str | bool] = field(default_factory=dict)
    delivery: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCommand:
    """A command and what became of it. because: the answer, empty before there is one."""

    id: str
    order: Order
    state: CommandState
    because: str
    at: datetime
    settled_at: datetime | None


class Commands(Area):
    """The book of commands."""

    async def accept(self, order: Order) -> str:
        """Write a command down before it is carried out; returns its id."""
        now = self._now()
        return await self._write(lambda c: _insert(c, order, "accepted", "", now))

    async def end(self, command: str, order: Order, state: Literal["done", "failed"], because: str) -> None:
        """Write down how an accepted command ended."""
        now = self._now()
        await self._write(lambda c: _end(c, command, order, state, because, now))

    async def ask(self, order: Order, because: str) -> str:
        """Write a request down and have its application looked at before others; returns its id.

        because: what happens next. order.kind is a RequestKind; order.key and the argument `reason` must be there.
        """
        if order.key is None:
            raise ValueError("a request is about an environment")
        owner, now = order.key.owner, self._now()
        look = f"{order.principal} asked for {order.kind} of {order.key.environment}"

        def asked(connection: Connection) -> str:
            number = _insert(connection, order, "open", because, now)
            _tell(connection, number, order, "open", because, now)
            mark_dirty(connection, marks_of([owner], None), because=look, now=now, urgent=True)
            return number

        return await self._write_and_wake(asked)

    async def requests(self, key: EnvironmentKey) -> tuple[Request, ...]:
        """What people asked for here and no rule has dealt with yet, oldest first."""
        return await self._read(lambda c: _requests(c, key))

    async def command(self, command: str) -> StoredCommand:
        """One command; PermanentError when there is none."""
        return await self._read(lambda c: _command(c, command))


def settle_request(connection: Connection, record: SettleRequest, now: datetime) -> None:
    """Write the answer down; a request that was answered before keeps its first answer."""
    number = record.request.id
    code = record.code or ("ok" if record.outcome == "done" else "failed")
    answered = {"state": record.outcome, "because": record.because, "code": code, "settled_at": now}
    unsettled = (commands.c.id == number) & (commands.c.state == "open")
    if connection.execute(update(commands).where(unsettled).values(answered)).rowcount == 1:
        order = _command(connection, number).order
        _tell(connection, number, order, record.outcome, record.because, now)
        wake_thread(connection, number, now)


def _insert(connection: Connection, order: Order, state: CommandState, because: str, now: datetime) -> str:
    number = delivery_id(now)
    key = order.key
    row = {
        "id": number,
        "delivery": order.delivery,
        "principal": order.principal,
        "door": order.door,
        "text": order.text,
        "bound_to": order.bound_to,
        "state": state,
        "because": because,
        "at": now,
        "kind": order.kind,
        "tenant": key.tenant if key else "",
        "application": key.application if key else "",
        "environment": key.environment if key else "",
        "arguments": json.dumps(dict(order.arguments), sort_keys=True),
    }
    connection.execute(insert(commands).values(row))
    return number


def _end(connection: Connection, command: str, order: Order, state: CommandState, because: str, now: datetime) -> None:
    ended = {"state": state, "because": because, "settled_at": now}
    connection.execute(update(commands).where(commands.c.id == command).values(ended))
    _tell(connection, command, order, state, because, now)


def _tell(connection: Connection, command: str, order: Order, state: CommandState, because: str, now: datetime) -> None:
    told = {
        "command": command,
        "principal": order.principal,
        "door": order.door,
        "text": order.text,
        "arguments": dict(order.arguments),
        "state": state,
        "because": because,
    }
    write_audit(connection, order.bound_to, "command", json.dumps(told, sort_keys=True).encode(), now)


def _requests(connection: Connection, key: EnvironmentKey) -> tuple[Request, ...]:
    here = (commands.c.tenant == key.tenant) & (commands.c.application == key.application)
    wanted = select(commands).where(here, commands.c.environment == key.environment, commands.c.state == "open")
    rows = connection.execute(wanted.order_by(commands.c.at, commands.c.id)).all()
    return tuple(_request(row, key) for row in rows)


def _request(row: Row[tuple[object, ...]], key: EnvironmentKey) -> Request:
    if row.heard:
        return _said(row, key)
    arguments = json.loads(row.arguments)
    kind: RequestKind = row.kind
    return Request(
        id=row.id,
        key=key,
        kind=kind,
        principal=row.principal,
        because=arguments.get("reason", ""),
        at=row.at,
        version=arguments.get("version", ""),
        deny=arguments.get("deny", False),
    )


def _said(row: Row[tuple[object, ...]], key: EnvironmentKey) -> Request:
    """A request as somebody said it."""
    heard = HEARD.validate_json(row.heard)
    said, principal, meant = heard.said or Spoken(verb=row.kind), heard.principal, json.loads(row.arguments)
    account = principal.id if principal.kind == "gitlab" else ""
    return Request(
        id=row.id,
        key=key,
        kind=row.kind,
        principal=meant.get("name") or principal.name,
        because=said.reason,
        at=row.at,
        version=meant.get("version") or said.version,
        deny=said.deny,
        skip=said.skip,
        override=said.override,
        replace=said.replace,
        account=meant.get("account") or account,
        release_id=meant.get("release_id", ""),
    )


def _command(connection: Connection, command: str) -> StoredCommand:
    row = connection.execute(select(commands).where(commands.c.id == command)).one_or_none()
    if row is None:
        raise PermanentError(f"there is no command {command}: it was never given to this journal.")
    order = Order(
        kind=row.kind,
        principal=row.principal,
        door=row.door,
        text=row.text,
        bound_to=row.bound_to,
        key=EnvironmentKey(row.tenant, row.application, row.environment) if row.environment else None,
        arguments=json.loads(row.arguments),
        delivery=row.delivery,
    )
    return StoredCommand(
        id=row.id, order=order, state=row.state, because=row.because, at=row.at, settled_at=row.settled_at
    )
