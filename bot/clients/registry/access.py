"""How a registry lets one in: by its challenge, with basic credentials or a token fetched from a trusted host only.

https://distribution.github.io/distribution/spec/auth/token/ (3.x) and RFC 7617.
"""

import base64
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from yarl import URL

from bot.errors import PermanentError

_PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user and its password or token."""

    username: str
    password: str = field(repr=False)

    def header(self) -> str:
        """The Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


CredentialsSource = Callable[[], Credentials | None]
"""Gives the present credentials; asked each time, so that rotation needs no restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A WWW-Authenticate header, understood: `basic`, or `bearer` with where to ask for a token."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""

    def token_url(self, registry: URL, trusted_hosts: frozenset[str]) -> URL:
        """Where to fetch a token; PermanentError for a host that may not see the credentials."""
        try:
            url = URL(self.realm)
        except ValueError:
            url = URL()
        host = url.host or ""
        secure = url.scheme == "https" or (url.scheme == "http" and registry.scheme == "http")
        if not (host and secure and (host in trusted_hosts or related(registry.host or "", host))) or url.user:
            raise PermanentError(
                f"registry {registry.authority} sends for a token to {host or 'nowhere'}, which is not trusted with "
                "the credentials. Add that host to the registry's token_hosts in the operator settings if it is right."
            )
        return url.update_query({key: value for key in ("service", "scope") if (value := getattr(self, key))})


def parse_challenge(header: str) -> Challenge | None:
    """The challenge in a WWW-Authenticate header, or None for none that is known."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in ("basic", "bearer"):
        return None
    given = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return Challenge(
        scheme=scheme.lower(),
        realm=given.get("realm", ""),
        service=given.get("service", ""),
        scope=given.get("scope", ""),
    )


def related(registry: str, host: str) -> bool:
    """Whether a token server belongs to a registry by name: the same host, or below the same parent domain."""
    if host == registry:
        return True
    parent = registry.partition(".")[2]
    if "." not in parent or _is_address(registry):
        return False
    return host == parent or host.endswith(f".{parent}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
