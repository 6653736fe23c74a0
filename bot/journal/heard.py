"""What people say: each line once, bound to what was there when it was said, taken in order, told when it ends."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, select, update

from bot.actions import MarkTold, OpenRequest, SettleCommand
from bot.commanded import Bound, Command, Heard
from bot.errors import PermanentError
from bot.journal.area import Area, insert_or_ignore
from bot.journal.audit import write_audit
from bot.journal.dirtying import Mark, mark_dirty, marks_of
from bot.journal.inbox import delivery_id
from bot.journal.schema_records import commands, promotions
from bot.keys import CommandKey, EnvironmentKey
from bot.releases import Release

HEARD = TypeAdapter(Heard)
BOUND = TypeAdapter(Bound)
RELEASE = TypeAdapter(Release)
ENDED = ("done", "refused", "failed")
MICROSECOND = timedelta(microseconds=1)


class HeardCommands(Area):
    """The commands that people say, at whatever door."""

    async def say(self, heard: Heard) -> str:
        """Write a command down that came by the API, and have it looked at; returns its id."""
        now = self._now()
        return await self._write_and_wake(lambda c: hear(c, [heard], "", now)[0])

    async def next_command(self, key: CommandKey) -> tuple[Command | None, int]:
        """The oldest of a thread that nobody dealt with, and how many more wait behind it."""
        return await self._read(lambda c: _next(c, key))

    async def ended_commands(self, key: CommandKey) -> tuple[Command, ...]:
        """The requests of a thread that a rule settled, and whose end was not told there yet; oldest first."""
        return await self._read(lambda c: _ended(c, key))

    async def heard_command(self, command: str) -> Command:
        """One command that people said; PermanentError when there is none."""
        return await self._read(lambda c: _heard_command(c, command))


def hear(connection: Connection, heard: Iterable[Heard], delivery: str, now: datetime) -> list[str]:
    """Keep each line that was not heard before, and dirty its thread; the ids in their order.

    A line is known by door, message and place in it, so that a second delivery of a note says nothing again.
    """
    numbers, marks = [], []
    for step, one in enumerate(heard):
        # Ids sort by time: lines of one moment are a microsecond apart, so that they keep their order.
        number = delivery_id(now + step * MICROSECOND)
        row = _row(connection, number, one, delivery, now)
        if connection.execute(insert_or_ignore(connection, commands).values(row)).rowcount != 1:
            continue
        numbers.append(number)
        marks.append(Mark(key=CommandKey(one.tenant, one.place.thread), delivery=delivery or None))
        _tell(connection, number, one, "heard", "", now)
    mark_dirty(connection, marks, because="somebody said a command", now=now, urgent=True)
    return numbers


def open_request(connection: Connection, record: OpenRequest, now: datetime) -> None:
    """The command waits for a rule of its environment, whose application is looked at before others."""
    waiting = (commands.c.id == record.command) & (commands.c.state == "heard")
    place = {"tenant": record.key.tenant, "application": record.key.application, "environment": record.key.environment}
    opened = {"state": "open", "kind": record.kind, "because": record.because, "arguments": _meant(record), **place}
    if connection.execute(update(commands).where(waiting).values(opened)).rowcount == 1:
        _tell(connection, record.command, _heard_command(connection, record.command).heard, "open", record.because, now)
    look = f"somebody asked for {record.kind} in {record.key.environment}"
    mark_dirty(connection, marks_of([record.key.owner], None), because=look, now=now, urgent=True)


def _meant(record: OpenRequest) -> str:
    """What was found to be meant, beside what was said."""
    meant = {"version": record.version, "release_id": record.release_id}
    if record.principal is not None:
        account = record.principal.id if record.principal.kind == "gitlab" else ""
        meant |= {"name": record.principal.name, "account": account}
    return json.dumps(meant, sort_keys=True)


def settle_command(connection: Connection, record: SettleCommand, now: datetime) -> None:
    """How it ended; a command that ended before keeps its first end."""
    unsettled = (commands.c.id == record.command.id) & commands.c.state.in_(("heard", "open"))
    ended = {"state": record.outcome, "because": record.because, "code": record.code, "settled_at": now, "told": True}
    if connection.execute(update(commands).where(unsettled).values(ended)).rowcount == 1:
        _tell(connection, record.command.id, record.command.heard, record.outcome, record.because, now)


def mark_told(connection: Connection, record: MarkTold) -> None:
    """Its end was told."""
    connection.execute(update(commands).where(commands.c.id == record.command).values(told=True))


def wake_thread(connection: Connection, command: str, now: datetime) -> None:
    """A rule settled this request: whoever asked is told, if it was said in a thread."""
    row = connection.execute(select(commands.c.heard).where(commands.c.id == command)).one_or_none()
    if row is None or not row.heard:
        return
    heard = HEARD.validate_json(row.heard)
    key = CommandKey(heard.tenant, heard.place.thread)
    mark_dirty(connection, marks_of([key], None), because="a request of this thread ended", now=now, urgent=True)


def _row(connection: Connection, number: str, heard: Heard, delivery: str, now: datetime) -> dict[str, object]:
    bound = _bound(connection, heard.key) if heard.key else Bound()
    said = heard.said
    return {
        "id": number,
        "delivery": delivery or None,
        "principal": str(heard.principal),
        "door": heard.place.door,
        "text": heard.text,
        "bound_to": str(heard.key or CommandKey(heard.tenant, heard.place.thread)),
        "state": "heard",
        "because": "",
        "at": now,
        "kind": said.verb if said else "",
        "tenant": heard.tenant,
        "application": heard.application,
        "environment": heard.environment,
        "arguments": "{}",
        "thread": heard.place.thread,
        "message": heard.place.message or number,
        "line": heard.line,
        "heard": HEARD.dump_json(heard).decode(),
        "bound": BOUND.dump_json(bound).decode(),
    }


def _bound(connection: Connection, key: EnvironmentKey) -> Bound:
    """What the environment's open promotion shows now."""
    here = (promotions.c.tenant == key.tenant) & (promotions.c.application == key.application)
    wanted = select(promotions.c.release_id, promotions.c.release, promotions.c.change).where(
        here, promotions.c.environment == key.environment, promotions.c.state.in_(("waiting", "ready"))
    )
    row = connection.execute(wanted.order_by(promotions.c.opened_at.desc()).limit(1)).one_or_none()
    if row is None:
        return Bound()
    return Bound(release_id=row.release_id, release=RELEASE.validate_json(row.release).name, change=row.change)


def _tell(connection: Connection, number: str, heard: Heard, state: str, because: str, now: datetime) -> None:
    told = {
        "command": number,
        "principal": str(heard.principal),
        "name": heard.principal.name,
        "door": heard.place.door,
        "text": heard.text,
        "state": state,
        "because": because,
    }
    subject = str(heard.key or CommandKey(heard.tenant, heard.place.thread))
    write_audit(connection, subject, "command", json.dumps(told, sort_keys=True).encode(), now)


def _next(connection: Connection, key: CommandKey) -> tuple[Command | None, int]:
    here = (commands.c.tenant == key.tenant) & (commands.c.thread == key.thread) & (commands.c.state == "heard")
    count = connection.execute(select(func.count()).select_from(commands).where(here)).scalar_one()
    row = connection.execute(select(commands).where(here).order_by(commands.c.id).limit(1)).one_or_none()
    return (command_of(row) if row else None), max(0, count - 1)


def _ended(connection: Connection, key: CommandKey) -> tuple[Command, ...]:
    here = (commands.c.tenant == key.tenant) & (commands.c.thread == key.thread)
    untold = commands.c.told.is_(False) & (commands.c.message != "")
    wanted = select(commands).where(here, untold, commands.c.state.in_(ENDED)).order_by(commands.c.id)
    return tuple(command_of(row) for row in connection.execute(wanted).all())


def _heard_command(connection: Connection, command: str) -> Command:
    found = select(commands).where(commands.c.id == command, commands.c.heard != "")
    row = connection.execute(found).one_or_none()
    if row is None:
        raise PermanentError(f"there is no command {command}: nobody said it to this journal.")
    return command_of(row)


def command_of(row: Row[tuple[object, ...]]) -> Command:
    """A row as a command."""
    return Command(
        id=row.id,
        heard=HEARD.validate_json(row.heard),
        bound=BOUND.validate_json(row.bound),
        state=row.state,
        because=row.because,
        code=row.code,
        heard_at=row.at,
        settled_at=row.settled_at,
        delivery=row.delivery or "",
    )
