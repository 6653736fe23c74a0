"""Before each outside write the intent is recorded, and only by who still holds the key and has the time to finish."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select, update

from bot.errors import StaleError, TemporaryError
from bot.journal.area import Area, insert_or_ignore, insert_or_update
from bot.journal.schema import effects, sections
from bot.journal.work import Claim, hold_fence
from bot.keys import Key, parse_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An outside write by its natural key. done_at: None while it is unknown whether it happened.

    expect: what the writer saw before (a head sha, a state); desired_sha: the digest of what is to be there.
    """

    key: str
    work_key: Key
    fence: int
    expect: str
    desired_sha: str
    external_id: str | None
    intent_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The right to be alone in a named section until `lease_until`."""

    name: str
    owner: str
    fence: int
    lease_until: datetime


class Effects(Area):
    """What is about to be written outside, and what was."""

    async def intend(self, claim: Claim, effect_key: str, desired_sha: str, expect: str, deadline: timedelta) -> None:
        """Record that this write is about to happen and takes at most `deadline`.

        StaleError when the claim was lost or its lease ends before the deadline: then nothing may be written.
        """
        now = self._now()
        await self._write(lambda c: _intend(c, claim, effect_key, desired_sha, expect, now + deadline, now))

    async def effected(self, claim: Claim, effect_key: str, external_id: str | None) -> None:
        """Record that the write happened; `external_id` None keeps a known one.

        It is no question of the fence, for it did happen; StaleError when a later claim has intended anew since.
        """
        now = self._now()
        await self._write(lambda c: _effected(c, claim, effect_key, external_id, now))

    async def effect(self, effect_key: str) -> Effect | None:
        """The last intent under this natural key."""
        return await self._read(lambda c: _effect(c, effect_key))

    async def written(self, effect_key: str) -> str:
        """The digest of what was last written under this key; empty when never, or when it is unknown."""
        effect = await self.effect(effect_key)
        return effect.desired_sha if effect is not None and effect.done_at is not None else ""

    async def open_intents(self, key: Key) -> list[Effect]:
        """Writes of this key that were begun and not seen to end: look outside before writing anew."""
        return await self._read(lambda c: _open_intents(c, key))

    @asynccontextmanager
    async def exclusive(self, name: str, owner: str, lease: timedelta) -> AsyncIterator[Section]:
        """Be alone in the named section across replicas for at most `lease`.

        TemporaryError at once when another is inside; StaleError at the end when the lease ran out and it was taken.
        """
        now = self._now()
        section = await self._write(lambda c: _enter(c, name, owner, now + lease, now))
        try:
            yield section
        except BaseException:
            await self._write(lambda c: _leave(c, section))
            raise
        if not await self._write(lambda c: _leave(c, section)):
            raise StaleError(f"{owner} stayed in {name} longer than its lease and it was taken: look again.")


def _intend(
    connection: Connection, claim: Claim, key: str, desired_sha: str, expect: str, ends: datetime, now: datetime
) -> None:
    until = hold_fence(connection, claim)
    if until <= ends:
        raise StaleError(
            f"the lease of {claim.key} ends at {until:%H:%M:%S}, before the write of {key} would have to: "
            "nothing was written; the key is claimed anew."
        )
    values = {
        "key": key,
        "work_key": str(claim.key),
        "fence": claim.fence,
        "expect": expect,
        "desired_sha": desired_sha,
        "intent_at": now,
        "done_at": None,
    }
    connection.execute(insert_or_update(connection, effects, "external_id").values(values))


def _effected(connection: Connection, claim: Claim, key: str, external_id: str | None, now: datetime) -> None:
    ours = (effects.c.key == key) & (effects.c.work_key == str(claim.key)) & (effects.c.fence == claim.fence)
    known = {} if external_id is None else {"external_id": external_id}
    if connection.execute(update(effects).where(ours).values(done_at=now, **known)).rowcount != 1:
        raise StaleError(f"the write of {key} was intended anew by a later claim of {claim.key}: it looks again.")


def _effect(connection: Connection, key: str) -> Effect | None:
    row = connection.execute(select(effects).where(effects.c.key == key)).one_or_none()
    return None if row is None else _effect_of(row)


def _open_intents(connection: Connection, key: Key) -> list[Effect]:
    begun = select(effects).where(effects.c.work_key == str(key), effects.c.done_at.is_(None))
    return [_effect_of(row) for row in connection.execute(begun.order_by(effects.c.intent_at, effects.c.key)).all()]


def _effect_of(row: Row[tuple[object, ...]]) -> Effect:
    return Effect(
        key=row.key,
        work_key=parse_key(row.work_key),
        fence=row.fence,
        expect=row.expect,
        desired_sha=row.desired_sha,
        external_id=row.external_id,
        intent_at=row.intent_at,
        done_at=row.done_at,
    )


def _enter(connection: Connection, name: str, owner: str, until: datetime, now: datetime) -> Section:
    connection.execute(insert_or_ignore(connection, sections).values(name=name, fence=0))
    row = connection.execute(select(sections).where(sections.c.name == name).with_for_update()).one()
    if row.lease_until is not None and row.lease_until > now:
        raise TemporaryError(
            f"{name} is taken by {row.owner} until {row.lease_until:%H:%M:%S} at the latest: it is tried again."
        )
    fence = row.fence + 1
    taken = update(sections).where(sections.c.name == name).values(owner=owner, lease_until=until, fence=fence)
    connection.execute(taken)
    return Section(name=name, owner=owner, fence=fence, lease_until=until)


def _leave(connection: Connection, section: Section) -> bool:
    ours = (sections.c.name == section.name) & (sections.c.fence == section.fence)
    left = connection.execute(update(sections).where(ours).values(owner=None, lease_until=None))
    return left.rowcount == 1
