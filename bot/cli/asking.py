"""One question or command to the server's API; its refusals end the command with their own sentences."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import msgspec

from bot.api.forms import Refusal
from bot.cli.endings import Code, Ending
from bot.cli.reaching import Server

T = TypeVar("T")
PATIENCE = aiohttp.ClientTimeout(total=60, connect=5)
"""`why` reads GitLab and the clusters before it answers."""
REFUSED = frozenset({401, 403, 409})
NOT_LET_IN = frozenset({"no_credential", "bad_token"})
NAME_A_TOKEN = "Name one of the server's api_tokens with --token-file or SLUICE_TOKEN."  # noqa: S105 - no token itself
UNAVAILABLE = frozenset({502, 503, 504})


class Unreached(Ending):
    """The server did not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.UNREACHED, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A path below /api/v1, with its query; a body makes it a command."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: object = None


def ask(server: Server, question: Question, form: type[T]) -> T:
    """The answer in this form; Unreached, or Ending with what the server said."""
    return asyncio.run(_ask(server, question, form))


async def _ask(server: Server, question: Question, form: type[T]) -> T:
    url = f"{server.url}/api/v1{question.path}"
    headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
    body = None if question.body is None else msgspec.json.encode(question.body)
    query = [(name, value) for name, value in question.query if value]
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.request(question.method, url, params=query, headers=headers, data=body) as response,
        ):
            content = await response.read()
            if response.status < 400:
                return msgspec.json.decode(content, type=form)
            raise _refusal(server, response.status, content)
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise Unreached(
            f"cannot reach the server at {server.url}: {reason}. Start it, or name it with --server."
        ) from error
    except msgspec.DecodeError as error:
        raise Unreached(
            f"what answers at {server.url} is not Sluice, or another version: {error}. Name the server with --server."
        ) from error


def _refusal(server: Server, status: int, content: bytes) -> Ending:
    try:
        error = msgspec.json.decode(content, type=Refusal).error
    except msgspec.DecodeError:
        return Unreached(
            f"{server.url} answered {status} in a form that is not Sluice's. Name the server with --server."
        )
    message = f"{error.what} {error.why} {NAME_A_TOKEN if error.code in NOT_LET_IN else error.do}"
    if status in UNAVAILABLE:
        return Unreached(message)
    if status == 400:
        return Ending(Code.USAGE, message)
    return Ending(Code.REFUSED if status in REFUSED else Code.FAILED, message)
