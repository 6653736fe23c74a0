"""Which chat account is which GitLab account: a one-time code, given to the one and said by the other, ties them."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, Delete, delete, insert, select

from bot.actions import RedeemCode
from bot.commanded import AccountLink, Principal
from bot.journal.area import Area, insert_or_update
from bot.journal.schema_records import account_links, link_codes

LIVES = timedelta(minutes=10)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are taken for one another."""
LENGTH = 12


class Links(Area):
    """Chat accounts that somebody vouched for."""

    async def offer_link(self, chat: str, account: str) -> str:
        """A new code for a chat account, for its eyes only; good once, within ten minutes. Only its hash is kept."""
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        now = self._now()
        await self._write(lambda c: _offer(c, chat, account, code, now))
        return code

    async def account_link(self, chat: str, account: str) -> AccountLink | None:
        """Whose a chat account is; None while nobody vouched for it."""
        return await self._read(lambda c: _link(c, chat, account))

    async def code_lives(self, code: str) -> bool:
        """Whether somebody was given this code, and it was not used or outlived."""
        now = self._now()
        return await self._read(lambda c: _owner(c, code, now) is not None)

    async def unlink(self, chat: str, account: str) -> None:
        """The chat account is nobody's again."""
        mine = (account_links.c.chat == chat) & (account_links.c.account == account)
        await self._write(lambda c: _delete(c, delete(account_links).where(mine)))


def redeem_code(connection: Connection, record: RedeemCode, now: datetime) -> None:
    """Tie the accounts, if the code lives; it is used up either way."""
    owner = _owner(connection, record.code, now)
    connection.execute(delete(link_codes).where(link_codes.c.sha == _sha(record.code)))
    if owner is None:
        return
    chat, account = owner
    row = {
        "chat": chat,
        "account": account,
        "principal": record.principal.id,
        "name": record.principal.name,
        "at": now,
    }
    connection.execute(insert_or_update(connection, account_links).values(row))


def _offer(connection: Connection, chat: str, account: str, code: str, now: datetime) -> None:
    mine = (link_codes.c.chat == chat) & (link_codes.c.account == account)
    connection.execute(delete(link_codes).where(mine | (link_codes.c.expires_at <= now)))
    row = {"sha": _sha(code), "chat": chat, "account": account, "expires_at": now + LIVES}
    connection.execute(insert(link_codes).values(row))


def _owner(connection: Connection, code: str, now: datetime) -> tuple[str, str] | None:
    live = (link_codes.c.sha == _sha(code)) & (link_codes.c.expires_at > now)
    row = connection.execute(select(link_codes.c.chat, link_codes.c.account).where(live)).one_or_none()
    return (row.chat, row.account) if row else None


def _delete(connection: Connection, rows: Delete) -> None:
    connection.execute(rows)


def _sha(code: str) -> str:
    return sha256(code.upper().replace("-", "").encode()).hexdigest()


def _link(connection: Connection, chat: str, account: str) -> AccountLink | None:
    mine = (account_links.c.chat == chat) & (account_links.c.account == account)
    row = connection.execute(select(account_links).where(mine)).one_or_none()
    if row is None:
        return None
    principal = Principal(kind="gitlab", id=row.principal, name=row.name)
    return AccountLink(chat=chat, account=account, principal=principal, at=row.at)
