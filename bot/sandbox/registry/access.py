"""Who may pull, push and delete in a registry: basic authentication, and perhaps nobody's right to pull."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.registry.errors import Refused

Action = Literal["pull", "push", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One user of a registry."""

    name: str
    password: str
    may: frozenset[Action] = frozenset({"pull", "push", "delete"})


class Access:
    """Decides each request: without credentials only `anonymous` actions pass, others get 401 and a Basic challenge."""

    def __init__(self, realm: str, accounts: tuple[Account, ...], *, anonymous: frozenset[Action]) -> None:
        self._realm = realm
        self._accounts = {account.name: account for account in accounts}
        self._anonymous = anonymous

    def require(self, authorization: str | None, action: Action) -> str:
        """The acting account's name, empty for nobody. Raises Refused: 401 unknown, 403 known but not allowed."""
        if authorization is None:
            if action in self._anonymous:
                return ""
            raise self._challenge()
        account = self._account(authorization)
        if account is None:
            raise self._challenge()
        if action not in account.may:
            raise Refused(403, "DENIED", detail=f"{account.name} may not {action}")
        return account.name

    def require_any(self, authorization: str | None) -> None:
        """What `GET /v2/` asks: valid credentials, or none where something is open to everyone."""
        if authorization is None and self._anonymous:
            return
        if authorization is None or self._account(authorization) is None:
            raise self._challenge()

    def _account(self, authorization: str) -> Account | None:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self._accounts.get(name)
        if account is None or not hmac.compare_digest(account.password.encode(), password.encode()):
            return None
        return account

    def _challenge(self) -> Refused:
        return Refused(401, "UNAUTHORIZED", headers={"WWW-Authenticate": f'Basic realm="{self._realm}"'})
