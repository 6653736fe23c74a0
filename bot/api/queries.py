"""Values out of a query string, each checked before it is used."""

from typing import TypeVar, get_args

import msgspec
from aiohttp import web

from bot.api.problems import Problem, bad_request
from bot.events import Phase

T = TypeVar("T")
MOST = 500
"""Lines of a list at most."""
USUAL = 50
LARGEST_BODY = 64 * 1024
"""Bytes of a command's body at most."""
PHASES: tuple[Phase, ...] = get_args(Phase)


def limit(request: web.Request) -> int:
    """How many lines of a list are asked for."""
    text = request.query.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MOST):
        raise bad_request("limit cannot be used.", f"It is a number from 1 to {MOST}.", "Mend it, or leave it out.")
    return int(text)


def phase(request: web.Request) -> Phase | None:
    """The phase of deliveries asked for."""
    text = request.query.get("phase", "")
    found = next((known for known in PHASES if known == text), None)
    if text and found is None:
        raise bad_request(
            "There is no such phase.", f"The phases are {', '.join(PHASES)}.", "Use one, or leave it out."
        )
    return found


def flag(request: web.Request, name: str) -> bool:
    """A yes or no; absent is no."""
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise bad_request(f"{name} cannot be used.", "It is true or false.", "Mend it, or leave it out.")
    return text == "true"


def required(request: web.Request, name: str) -> str:
    """A value that must be there."""
    text = request.query.get(name, "")
    if not text:
        raise bad_request(
            f"{name} is missing.", "Without it nobody knows what is meant.", f"Add ?{name}=… to the path."
        )
    return text


async def body(request: web.Request, form: type[T]) -> T:
    """The JSON body in this form."""
    content = b""
    # A body may come in several pieces, and one read gives what is there.
    while piece := await request.content.readany():
        content += piece
        if len(content) > LARGEST_BODY:
            raise Problem(413, "too_large", what="The body is too large.", why="Commands are small.", do="Send less.")
    try:
        return msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request("The body cannot be understood.", f"{error}.", "See openapi.json for its form.") from error
