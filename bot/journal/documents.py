"""Facts and policies are stored once, by the SHA-256 of their bytes, so that any run can be decided again."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import PermanentError
from bot.journal.area import Area
from bot.journal.schema import facts

TOUCH_EVERY = timedelta(days=1)
"""How old the last use may look before it is written again."""


class Documents(Area):
    """Bytes by their hash."""

    async def store_document(self, body: bytes) -> str:
        """Keep these bytes; returns their SHA-256 in 64 hex digits. What no run and no tenant uses may be dropped."""
        now = self._now()
        return await self._write(lambda c: keep(c, body, now))

    async def document(self, sha: str) -> bytes:
        """The bytes of this hash; PermanentError when they were never stored or retention dropped them."""
        return await self._read(lambda c: _document(c, sha))


def keep(connection: Connection, body: bytes, now: datetime) -> str:
    """Store bytes unless they are there.

    The conflict locks the row either way, so retention cannot drop it between this and the run that refers to it.
    """
    sha = hashlib.sha256(body).hexdigest()
    insert = sqlite.insert(facts) if connection.dialect.name == "sqlite" else postgresql.insert(facts)
    touched = insert.on_conflict_do_update(
        index_elements=["sha"], set_={"used_at": now}, where=facts.c.used_at < now - TOUCH_EVERY
    )
    connection.execute(touched, {"sha": sha, "body": body, "used_at": now})
    return sha


def _document(connection: Connection, sha: str) -> bytes:
    body: bytes | None = connection.execute(select(facts.c.body).where(facts.c.sha == sha)).scalar_one_or_none()
    if body is None:
        raise PermanentError(
            f"the journal has no document {sha}: it was never stored, or retention dropped the runs that used it."
        )
    return body
