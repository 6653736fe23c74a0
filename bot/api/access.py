"""Nobody reads or commands without a live token; the token's name is the principal of what is done with it."""

import hmac
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from bot.api.problems import Problem, refuse
from bot.errors import PermanentError
from bot.receivers.tokens import digest_of

PRINCIPAL = web.RequestKey("principal", str)


class Callers:
    """The live tokens by name. Keeps digests, never the tokens."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """PermanentError for an empty token, which an empty header would match, and for one that two names share."""
        if not all(tokens.values()):
            raise PermanentError("an API token is empty: any request could pass. Set a random one, or remove it.")
        if len(set(tokens.values())) < len(tokens):
            raise PermanentError("two API tokens are the same: nobody could tell who asked. Give each caller its own.")
        self._digests = {name: digest_of(token) for name, token in tokens.items()}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._digests)

    def name_of(self, presented: str) -> str | None:
        """Whose token it is; every one is compared, whichever matches, so the duration tells nothing."""
        digest = digest_of(presented)
        found = None
        for name, mine in self._digests.items():
            found = name if hmac.compare_digest(mine, digest) else found
        return found


def guard(callers: Callers) -> Middleware:
    """The middleware that lets callers in and notes who they are in `request[PRINCIPAL]`."""

    @web.middleware
    async def authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
        principal = _principal(request, callers)
        if isinstance(principal, Problem):
            return refuse(principal)
        request[PRINCIPAL] = principal
        return await handler(request)

    return authenticated


def _principal(request: web.Request, callers: Callers) -> str | Problem:
    if not callers:
        why = "No API token is configured, so the API is closed."
        return _refused("no_tokens_configured", why, "Add one under api_tokens in the settings (token_file).")
    scheme, _, presented = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        return _refused("no_credential", "It carries no token.", "Send the header Authorization: Bearer TOKEN.")
    principal = callers.name_of(presented.strip())
    if principal is None:
        return _refused("bad_token", "Its token is none of the live ones.", "Compare it with api_tokens.")
    return principal


def _refused(code: str, why: str, do: str) -> Problem:
    return Problem(401, code, what="The request was not let in.", why=why, do=do)
